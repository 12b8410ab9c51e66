//! What the app said before the folder could be read.

/// What the app said before the folder could be read.
#[derive(Default)]
pub(super) struct Early {
    /// It answered about consent: the recorder has the answer.
    pub(super) answered: bool,
    /// It asked for an erasure. Any answer came after that.
    pub(super) erased: bool,
}
