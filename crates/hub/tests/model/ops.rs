//! What can be done to a hub, and how proptest strings it together.

use std::time::Duration;

use hub::{Claim, Class, Limits, RingLimits, Rule, STALE_CLAIM};
use proptest::{collection::vec, prelude::*, sample::select};

/// Few names, so that sequences meet on the same stream.
pub(crate) const NAMES: [&str; 3] = ["a", "b", "c"];

#[derive(Debug, Clone, Copy)]
pub(crate) struct Setup {
    pub(crate) limits: Limits,
    pub(crate) codec: Pictures,
}

/// What the publishers of one run send.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Pictures {
    Jpeg,
    H264,
    Both,
}

/// One step. The numbers pick one of the handles that are there, whatever their count.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Op {
    Claim { name: usize, claim: Claim },
    Publish { publisher: usize, key: bool, jpeg: bool, bytes: usize },
    DropPublisher { publisher: usize },
    AwaitDemand { publisher: usize, wanted: bool },
    Reject { stream: usize },
    Subscribe { stream: usize, rule: Rule, class: Class, start: From },
    TryRecv { reader: usize },
    Recv { reader: usize },
    DropReader { reader: usize },
    Watch,
    AwaitChanges { watcher: usize },
    DropWatcher { watcher: usize },
    Advance { by: Duration },
    Remove { name: usize },
    Sweep { timeout: Duration },
    ShutDown,
}

/// [`hub::Start`], told from the newest frame of the stream.
#[derive(Debug, Clone, Copy)]
pub(crate) enum From {
    Newest,
    Oldest,
    /// After the frame so many before the newest.
    Before(u64),
    /// After a frame that is so many ahead.
    Ahead(u64),
}

pub(crate) fn setup() -> impl Strategy<Value = Setup> {
    let history = (0..=8usize, 0..=60usize);
    let backlog = (0..=16usize, 0..=200usize);
    let ring = (history, backlog).prop_map(|((frames, history_bytes), (backlog_frames, backlog_bytes))| {
        RingLimits { frames, history_bytes, backlog_frames, backlog_bytes }
    });
    let limits = (2..=3usize, 1..=3usize, ring).prop_map(|(streams, viewers_per_stream, ring)| Limits {
        streams,
        viewers_per_stream,
        ring,
    });
    let codec = select(vec![Pictures::Jpeg, Pictures::H264, Pictures::Both]);
    (limits, codec).prop_map(|(limits, codec)| Setup { limits, codec })
}

/// Most sequences are of ordinary life: half of frames and readers above all, half of much coming and going. One in
/// ten sees the hub shut down.
pub(crate) fn ops() -> impl Strategy<Value = Vec<Op>> {
    let shut_down_between = |(mut before, after): (Vec<Op>, Vec<Op>)| {
        before.push(Op::ShutDown);
        before.extend(after);
        before
    };
    let (calm, restless) = (1, 4);
    prop_oneof![
        5 => vec(op(calm), 1..150),
        5 => vec(op(restless), 1..150),
        1 => (vec(op(restless), 0..60), vec(op(restless), 0..30)).prop_map(shut_down_between),
    ]
}

/// `unrest` is how often publishers and streams come and go.
fn op(unrest: u32) -> BoxedStrategy<Op> {
    let handle = 0..1000usize;
    let name = prop_oneof![3 => Just(0usize), 1 => Just(1), 1 => Just(2)];
    let sources = [Claim::Source, Claim::SteadySource];
    let claims = [vec![Claim::Shared, Claim::Shared, Claim::Exclusive, Claim::TakeOver], sources.to_vec()];
    let claims = select(claims.concat());
    let rule = select(vec![Rule::Latest, Rule::InOrder]);
    let class = select(vec![Class::Viewer, Class::Service]);
    let start = prop_oneof![
        3 => Just(From::Newest),
        1 => Just(From::Oldest),
        2 => (0..8u64).prop_map(From::Before),
        1 => (1..3u64).prop_map(From::Ahead),
    ];
    let bytes = prop_oneof![8 => 0..=20usize, 1 => 40..=120usize];
    let seconds = |choices: Vec<u64>| select(choices).prop_map(Duration::from_secs);
    let by = prop_oneof![
        2 => (0..2000u64).prop_map(Duration::from_millis),
        2 => Just(STALE_CLAIM - Duration::from_nanos(1)),
        2 => Just(STALE_CLAIM),
    ];
    prop_oneof![
        3 * unrest => (name.clone(), claims).prop_map(|(name, claim)| Op::Claim { name, claim }),
        60 => (handle.clone(), prop::bool::weighted(0.3), any::<bool>(), bytes)
            .prop_map(|(publisher, key, jpeg, bytes)| Op::Publish { publisher, key, jpeg, bytes }),
        unrest => handle.clone().prop_map(|publisher| Op::DropPublisher { publisher }),
        6 => (handle.clone(), any::<bool>()).prop_map(|(publisher, wanted)| Op::AwaitDemand { publisher, wanted }),
        1 => handle.clone().prop_map(|stream| Op::Reject { stream }),
        12 => (handle.clone(), rule, class, start)
            .prop_map(|(stream, rule, class, start)| Op::Subscribe { stream, rule, class, start }),
        16 => handle.clone().prop_map(|reader| Op::TryRecv { reader }),
        16 => handle.clone().prop_map(|reader| Op::Recv { reader }),
        5 => handle.clone().prop_map(|reader| Op::DropReader { reader }),
        1 => Just(Op::Watch),
        2 => handle.clone().prop_map(|watcher| Op::AwaitChanges { watcher }),
        1 => handle.prop_map(|watcher| Op::DropWatcher { watcher }),
        3 * unrest => by.prop_map(|by| Op::Advance { by }),
        unrest.div_ceil(2) => name.prop_map(|name| Op::Remove { name }),
        unrest.div_ceil(2) => seconds(vec![1, 5, 20]).prop_map(|timeout| Op::Sweep { timeout }),
    ]
    .boxed()
}
