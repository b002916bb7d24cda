//! A stream's recent frames and the rows of its readers: a plain structure, locked by its owner.
//!
//! Frames are in the order of their numbers, which have holes only in a derived stream. Each reader is a row:
//! a cursor, a waker, two counters. There is no queue per reader: a slow reader costs one row, and finds the newest
//! frame when it comes back.

use std::{
    collections::VecDeque,
    sync::Arc,
    task::{Poll, Waker},
};

use crate::{Closed, Demand, Frame, Moment, NewFrame, sync::wake};

/// What bounds a ring (R1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RingLimits {
    /// Frames of history kept when every in-order reader is up to date, the newest included; at least 1.
    pub frames: usize,
    /// Bytes of that history.
    pub history_bytes: usize,
    /// Frames kept for an in-order reader that is behind; beyond them it loses frames, and gets their number. At least
    /// `frames`.
    pub backlog_frames: usize,
    /// Bytes of that backlog, at least `history_bytes`.
    pub backlog_bytes: usize,
}

/// How a reader takes frames (R4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// The newest key frame past the cursor, else the next frame. For JPEG: always the newest.
    Latest,
    /// The next frame, or if it is gone the oldest kept key frame.
    InOrder,
}

/// Why a reader reads (S4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// A person's view.
    Viewer,
    /// A recorder, an analysis, a link.
    Service,
}

/// Where a new reader begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// At the newest key frame: a viewer has a picture at once.
    Newest,
    /// At the oldest kept key frame: with the history that the ring holds.
    Oldest,
    /// After the frame of this number: nothing until a newer one is there. A number that the stream has not reached
    /// (it was re-created since) means the newest.
    After(u64),
}

/// A frame handed to a reader, and how many it passed over to get it.
#[derive(Debug, Clone)]
pub struct Delivery {
    pub frame: Arc<Frame>,
    pub skipped: u64,
}

#[derive(Debug)]
struct Row {
    rule: Rule,
    class: Class,
    /// Number of the last frame taken or passed over.
    cursor: u64,
    /// The frame at the cursor was taken, so the one right after it can be decoded.
    synced: bool,
    waker: Option<Waker>,
    delivered: u64,
    skipped: u64,
}

pub(crate) type RowId = usize;

/// What a reader leaves behind.
#[derive(Debug)]
pub(crate) struct Left {
    pub(crate) class: Class,
    pub(crate) delivered: u64,
    pub(crate) skipped: u64,
    /// To be dropped outside the lock, as are the frames that were kept for it.
    _waker: Option<Waker>,
    _evicted: Vec<Arc<Frame>>,
}

/// What is to be done after unlocking (R2, R3): readers to wake, and frames whose memory is to be freed.
#[derive(Debug, Default)]
pub(crate) struct Aftermath {
    wakers: Vec<Waker>,
    _evicted: Vec<Arc<Frame>>,
}

impl Aftermath {
    pub(crate) fn wake_too(&mut self, waker: Option<Waker>) {
        self.wakers.extend(waker);
    }

    pub(crate) fn wake(self) {
        wake(self.wakers);
    }
}

#[derive(Debug)]
pub(crate) struct Ring {
    pub(crate) limits: RingLimits,
    frames: VecDeque<Arc<Frame>>,
    pub(crate) bytes: usize,
    pub(crate) last_seq: u64,
    rows: Vec<Option<Row>>,
    pub(crate) closed: Option<Closed>,
}

impl Ring {
    pub(crate) fn new(limits: RingLimits) -> Self {
        let limits = RingLimits {
            frames: limits.frames.max(1),
            history_bytes: limits.history_bytes,
            backlog_frames: limits.backlog_frames.max(limits.frames).max(1),
            backlog_bytes: limits.backlog_bytes.max(limits.history_bytes),
        };
        Self { limits, frames: VecDeque::new(), bytes: 0, last_seq: 0, rows: Vec::new(), closed: None }
    }

    // ---- writing ----

    pub(crate) fn push(&mut self, new: NewFrame, now: Moment) -> (Arc<Frame>, Aftermath) {
        self.append(Frame::numbered(self.last_seq + 1, new, now))
    }

    /// Takes a frame that has a number, if it is a newer one (D1).
    pub(crate) fn relay(&mut self, frame: Frame) -> Option<(Arc<Frame>, Aftermath)> {
        (frame.seq > self.last_seq).then(|| self.append(frame))
    }

    fn append(&mut self, frame: Frame) -> (Arc<Frame>, Aftermath) {
        self.last_seq = frame.seq;
        let frame = Arc::new(frame);
        self.bytes += frame.payload.len();
        self.frames.push_back(Arc::clone(&frame));
        let evicted = self.evict();
        let wakers = self.rows.iter_mut().flatten().filter_map(|row| row.waker.take()).collect();
        (frame, Aftermath { wakers, _evicted: evicted })
    }

    pub(crate) fn close(&mut self, reason: Closed) -> Aftermath {
        self.closed.get_or_insert(reason);
        let wakers = self.rows.iter_mut().flatten().filter_map(|row| row.waker.take()).collect();
        Aftermath { wakers, _evicted: self.evict() }
    }

    /// Takes out the frames that are kept no longer.
    fn evict(&mut self) -> Vec<Arc<Frame>> {
        if self.closed.is_some() && self.rows.is_empty() {
            // No new reader can come, however long a handle on the stream lives.
            self.bytes = 0;
            return std::mem::take(&mut self.frames).into();
        }
        let mut evicted = Vec::new();
        let RingLimits { frames, history_bytes, backlog_frames, backlog_bytes } = self.limits;
        if !self.is_over(frames, history_bytes) {
            return evicted;
        }
        let taken_by_all = self.taken_by_all_in_order();
        while self.frames.len() > 1 {
            let Some(oldest) = self.frames.front() else { break };
            let is_over = if oldest.seq <= taken_by_all {
                self.is_over(frames, history_bytes)
            } else {
                self.is_over(backlog_frames, backlog_bytes)
            };
            if !is_over {
                break;
            }
            self.bytes -= oldest.payload.len();
            evicted.extend(self.frames.pop_front());
        }
        evicted
    }

    fn is_over(&self, frames: usize, bytes: usize) -> bool {
        self.frames.len() > frames || self.bytes > bytes
    }

    /// Every in-order reader has taken the frames up to this number; without such readers, all of them.
    fn taken_by_all_in_order(&self) -> u64 {
        let in_order = self.rows.iter().flatten().filter(|row| row.rule == Rule::InOrder);
        in_order.map(|row| row.cursor).min().unwrap_or(u64::MAX)
    }

    // ---- readers ----

    pub(crate) fn join(&mut self, rule: Rule, class: Class, start: Start) -> RowId {
        let before = |first: Option<&Arc<Frame>>| first.map_or(self.last_seq, |f| f.seq - 1);
        let (cursor, synced) = match start {
            // It has that frame and can decode the one after it, unless it says that it has none.
            Start::After(seq) if seq <= self.last_seq => (seq, seq > 0),
            Start::Newest | Start::After(_) => (before(self.newest_key_past(0)), false),
            Start::Oldest => (before(self.oldest_key_past(0)), false),
        };
        let row = Row { rule, class, cursor, synced, waker: None, delivered: 0, skipped: 0 };
        let id = self.rows.iter().position(Option::is_none).unwrap_or(self.rows.len());
        if id == self.rows.len() {
            self.rows.push(None);
        }
        self.rows[id] = Some(row);
        id
    }

    pub(crate) fn leave(&mut self, id: RowId) -> Option<Left> {
        let Row { class, waker, delivered, skipped, .. } = self.rows.get_mut(id)?.take()?;
        while self.rows.last().is_some_and(Option::is_none) {
            self.rows.pop();
        }
        Some(Left { class, delivered, skipped, _waker: waker, _evicted: self.evict() })
    }

    /// Takes a frame or, if there is none yet, registers the waker: one step (R3). Gives the waker that was replaced, to be
    /// dropped outside the lock.
    pub(crate) fn poll_take(
        &mut self,
        id: RowId,
        waker: Waker,
    ) -> (Poll<Result<Delivery, Closed>>, Option<Waker>) {
        if let Some(delivery) = self.take(id) {
            return (Poll::Ready(Ok(delivery)), Some(waker));
        }
        if let Some(reason) = self.closed {
            return (Poll::Ready(Err(reason)), Some(waker));
        }
        let old = self.row(id).and_then(|row| row.waker.replace(waker));
        (Poll::Pending, old)
    }

    pub(crate) fn take(&mut self, id: RowId) -> Option<Delivery> {
        let row = self.rows.get(id)?.as_ref()?;
        let frame = Arc::clone(self.choose(row)?);
        let row = self.row(id)?;
        let skipped = frame.seq - row.cursor - 1;
        row.cursor = frame.seq;
        row.synced = true;
        row.delivered += 1;
        row.skipped += skipped;
        Some(Delivery { frame, skipped })
    }

    fn row(&mut self, id: RowId) -> Option<&mut Row> {
        self.rows.get_mut(id)?.as_mut()
    }

    fn choose(&self, row: &Row) -> Option<&Arc<Frame>> {
        if row.cursor >= self.last_seq {
            return None;
        }
        match row.rule {
            Rule::Latest => self.newest_key_past(row.cursor).or_else(|| self.next_for(row)),
            Rule::InOrder => self.next_for(row).or_else(|| self.oldest_key_past(row.cursor)),
        }
    }

    /// The frame right after the cursor, if it is still here and can be decoded: a key frame, or one whose
    /// predecessor the reader has taken.
    fn next_for(&self, row: &Row) -> Option<&Arc<Frame>> {
        let next = self.frames.get(self.frames.partition_point(|f| f.seq <= row.cursor))?;
        let follows = next.seq == row.cursor + 1;
        (follows && (next.format.key || row.synced)).then_some(next)
    }

    fn newest_key_past(&self, cursor: u64) -> Option<&Arc<Frame>> {
        self.frames.iter().rev().take_while(|f| f.seq > cursor).find(|f| f.format.key)
    }

    fn oldest_key_past(&self, cursor: u64) -> Option<&Arc<Frame>> {
        self.frames.iter().find(|f| f.seq > cursor && f.format.key)
    }

    // ---- choosing ----

    pub(crate) fn newest(&self) -> Option<&Arc<Frame>> {
        self.frames.back()
    }

    pub(crate) fn len(&self) -> usize {
        self.frames.len()
    }

    pub(crate) fn demand(&self) -> Demand {
        let mut demand = Demand::default();
        for row in self.rows.iter().flatten() {
            match row.class {
                Class::Viewer => demand.viewers += 1,
                Class::Service => demand.services += 1,
            }
        }
        demand
    }

    /// Frames delivered to, and skipped by, the viewers that are here now.
    pub(crate) fn viewers_served(&self) -> (u64, u64) {
        let viewers = self.rows.iter().flatten().filter(|row| row.class == Class::Viewer);
        viewers.fold((0, 0), |(served, skipped), row| (served + row.delivered, skipped + row.skipped))
    }
}
