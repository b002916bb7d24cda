//! A task that ends together with its owner.

use std::{future::Future, time::Duration};

use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;

/// Aborts its task when it is dropped.
#[derive(Debug)]
pub struct AbortOnDrop(AbortOnDropHandle<()>);

impl AbortOnDrop {
    pub fn spawn(future: impl Future<Output = ()> + Send + 'static) -> Self {
        Self(AbortOnDropHandle::new(tokio::spawn(future)))
    }

    /// Waits until the task has ended by itself, for `limit` at most.
    pub async fn finished(&mut self, limit: Duration) {
        if !self.0.is_finished() {
            // Neither a task that takes longer nor one that panicked has a result.
            let _ = timeout(limit, &mut self.0).await;
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn the_task_ends_with_its_owner() {
        let (held, dropped) = oneshot::channel::<()>();
        let task = AbortOnDrop::spawn(async move {
            std::future::pending::<()>().await;
            drop(held);
        });
        drop(task);
        assert!(dropped.await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn waiting_for_the_end_has_a_limit() {
        let mut endless = AbortOnDrop::spawn(std::future::pending());
        endless.finished(Duration::from_secs(5)).await;
        let (done, is_done) = oneshot::channel();
        let mut quick = AbortOnDrop::spawn(async move { done.send(()).unwrap() });
        quick.finished(Duration::from_secs(5)).await;
        is_done.await.unwrap();
    }
}
