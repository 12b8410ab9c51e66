//! Whether the storage's threads live. One that panics is noted here, for whoever asks for the
//! collector's health, and for the program, which ends then.

use tokio::sync::watch;

/// Whether one of the storage's threads has died. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Health(watch::Sender<bool>);

impl Health {
    /// Returns whether a thread has died: nothing is stored any more.
    pub fn is_dead(&self) -> bool {
        *self.0.borrow()
    }

    /// Resolves once a thread has died.
    pub async fn died(&self) {
        // The sender is here.
        let _ = self.0.subscribe().wait_for(|dead| *dead).await;
    }

    /// To be held by a thread for as long as it runs.
    pub(super) fn of_this_thread(&self) -> Alive {
        Alive(self.clone())
    }
}

/// Notes it if the thread that holds this panics.
pub(super) struct Alive(Health);

impl Drop for Alive {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.0.send_replace(true);
        }
    }
}
