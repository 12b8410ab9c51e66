//! Knows who did what, and so what may be shown to whom.
//!
//! Anonymous steps belong to the customer who signs in next; a sign-out or another customer begins a
//! new person. A refusal, an erasure and a copy of the phone's files begin a new life, which shares
//! nothing with the one before.

use serde_json::Value;

/// A stretch of use of one phone by one person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stretch {
    /// The phone.
    phone: u8,
    /// The life of the phone's installation.
    life: u32,
    /// Who it is, once they have signed in.
    owner: Option<u8>,
}

/// A step that was recorded.
#[derive(Debug, Clone, Copy)]
struct Recorded {
    of: StretchId,
    at_ms: i64,
    /// There was a grant: it must be stored or counted.
    granted: bool,
    /// The phone no longer knows the installation under which it was recorded.
    out_of_reach: bool,
}

/// Which stretch something belongs to.
pub(crate) type StretchId = usize;

/// Who did what.
#[derive(Debug, Default)]
pub(crate) struct Oracle {
    stretches: Vec<Stretch>,
    /// The steps, by their numbers.
    steps: Vec<Recorded>,
    /// The stretch that each phone is in.
    now: Vec<StretchId>,
    /// The lives that were erased: phone and life.
    erased: Vec<(u8, u32)>,
    /// The lives whose erasure may have been lost with a phone's files.
    perhaps_erased: Vec<(u8, u32)>,
    /// The life that each phone's refusal ended, which an erasure names too.
    refused: Vec<Option<(u8, u32)>>,
}

impl Oracle {
    /// Starts with so many phones, each used by nobody yet.
    pub(crate) fn new(phones: u8) -> Self {
        let stretch = |phone| Stretch { phone, life: 0, owner: None };
        Self {
            stretches: (0..phones).map(stretch).collect(),
            steps: Vec::new(),
            now: (0..usize::from(phones)).collect(),
            erased: Vec::new(),
            perhaps_erased: Vec::new(),
            refused: vec![None; usize::from(phones)],
        }
    }

    /// The stretch that a phone is in.
    pub(crate) fn now(&self, phone: u8) -> StretchId {
        self.now[usize::from(phone)]
    }

    /// Who is signed in on a phone.
    pub(crate) fn owner(&self, phone: u8) -> Option<u8> {
        self.stretches[self.now(phone)].owner
    }

    /// Notes a step on a phone, and returns its number. What is recorded without a grant may be lost
    /// with the process.
    pub(crate) fn step(&mut self, phone: u8, at_ms: i64, granted: bool) -> usize {
        let of = self.now(phone);
        self.steps.push(Recorded { of, at_ms, granted, out_of_reach: false });
        self.steps.len() - 1
    }

    /// The numbers of the steps of a phone's present life, recorded after this time, that must be
    /// stored or counted.
    pub(crate) fn steps_of_life(&self, phone: u8, after_ms: i64) -> Vec<usize> {
        let life = self.stretches[self.now(phone)].life;
        let of_life = |stretch: &Stretch| stretch.phone == phone && stretch.life == life;
        let steps = self.steps.iter().enumerate();
        let due = steps.filter(|(_, step)| {
            step.granted && step.at_ms > after_ms && of_life(&self.stretches[step.of])
        });
        due.map(|(n, _)| n).collect()
    }

    /// Notes that somebody signs in.
    pub(crate) fn sign_in(&mut self, phone: u8, person: u8) {
        let now = self.now(phone);
        match self.stretches[now].owner {
            None => self.stretches[now].owner = Some(person),
            Some(owner) if owner == person => {}
            Some(_) => self.begin(phone, Some(person), 0),
        }
    }

    /// Notes that whoever is signed in signs out.
    pub(crate) fn sign_out(&mut self, phone: u8) {
        if self.owner(phone).is_some() {
            self.begin(phone, None, 0);
        }
    }

    /// Notes that the customer refuses.
    pub(crate) fn refuse(&mut self, phone: u8) {
        let life = self.stretches[self.now(phone)].life;
        self.refused[usize::from(phone)] = Some((phone, life));
        self.new_life(phone);
    }

    /// Notes that the phone's present life is to be erased, and with `refused` also the one that a
    /// refusal ended.
    pub(crate) fn erase(&mut self, phone: u8, refused: bool) {
        let life = self.stretches[self.now(phone)].life;
        self.erased.push((phone, life));
        self.erased.extend(self.refused[usize::from(phone)].take().filter(|_| refused));
        self.new_life(phone);
    }

    /// Notes that a phone's files are replaced by a copy of another's: an erasure that waited in them goes
    /// nowhere, unless another phone has a copy of it. Which of them waited is not known here, so none is
    /// asked for. The note of a refusal is copied too, and speaks for the same installation.
    pub(crate) fn replace_files(&mut self, from: u8, to: u8) {
        self.perhaps_erased.extend(self.erased.extract_if(.., |(of, _)| *of == to));
        self.refused[usize::from(to)] = self.refused[usize::from(from)];
        self.new_life(to);
    }

    /// Whether anything was erased on a phone.
    pub(crate) fn has_erased(&self, phone: u8) -> bool {
        self.erased.iter().any(|(of, _)| *of == phone)
    }

    /// Notes that a phone can no longer tell which installation it was: the life goes on, as another
    /// installation, and an erasure finds only what comes now.
    pub(crate) fn lose_installation(&mut self, phone: u8) {
        let life = self.stretches[self.now(phone)].life;
        for step in &mut self.steps {
            let of = self.stretches[step.of];
            step.out_of_reach |= of.phone == phone && of.life == life;
        }
    }

    /// Whether a step was recorded under an installation that the phone no longer knows.
    pub(crate) fn is_out_of_reach(&self, step: usize) -> bool {
        self.steps.get(step).is_some_and(|step| step.out_of_reach)
    }

    /// Whether a step is to be erased.
    pub(crate) fn is_erased(&self, step: usize) -> bool {
        let reached = self.steps.get(step).filter(|step| !step.out_of_reach);
        reached.is_some_and(|step| self.erased.contains(&self.life(step.of)))
    }

    /// Whether a stretch belongs to a life that was erased, or perhaps was.
    pub(crate) fn may_be_erased(&self, id: StretchId) -> bool {
        let life = self.life(id);
        self.erased.contains(&life) || self.perhaps_erased.contains(&life)
    }

    fn life(&self, id: StretchId) -> (u8, u32) {
        let Stretch { phone, life, .. } = self.stretches[id];
        (phone, life)
    }

    /// Notes that nobody knows any more who uses the phone.
    pub(crate) fn forget(&mut self, phone: u8) {
        self.begin(phone, None, 0);
    }

    /// Notes that the phone's installation ends, and a new one begins.
    pub(crate) fn new_life(&mut self, phone: u8) {
        self.begin(phone, None, 1);
    }

    fn begin(&mut self, phone: u8, owner: Option<u8>, lives: u32) {
        let life = self.stretches[self.now(phone)].life + lives;
        self.stretches.push(Stretch { phone, life, owner });
        self.now[usize::from(phone)] = self.stretches.len() - 1;
    }

    /// Checks what is shown about somebody: every step and screen in it is theirs, and so is the
    /// customer's id.
    ///
    /// # Errors
    /// What is not theirs.
    pub(crate) fn check(&self, shown: &Value, about: StretchId) -> Result<(), String> {
        let mut error = None;
        walk(shown, &mut |text| {
            if error.is_none() {
                error = self.check_text(text, about).err();
            }
        });
        error.map_or(Ok(()), Err)
    }

    fn check_text(&self, text: &str, about: StretchId) -> Result<(), String> {
        for word in text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-')) {
            if let Some(n) = word.strip_prefix("step-").and_then(|n| n.parse::<usize>().ok()) {
                let of = self.steps.get(n).ok_or("a step that nobody made")?.of;
                if !self.is_theirs(of, about) {
                    return Err(format!("step {n} of {:?}", self.stretches[of]));
                }
            }
            let Some(tag) = word.strip_prefix("screen-") else { continue };
            let tag = tag.split('-').next().unwrap_or_default();
            if !self.tags(about).any(|known| known == tag) {
                return Err(format!("the screen {word} of somebody else"));
            }
        }
        match text.strip_prefix("customer-") {
            Some(id)
                if self.stretches[about].owner.map(|p| p.to_string()).as_deref() != Some(id) =>
            {
                Err(format!("{text} instead of {:?}", self.stretches[about].owner))
            }
            _ => Ok(()),
        }
    }

    fn is_theirs(&self, of: StretchId, about: StretchId) -> bool {
        let (of_it, theirs) = (self.stretches[of], self.stretches[about]);
        let same_owner = of_it.owner.is_some() && of_it.owner == theirs.owner;
        (of_it.phone, of_it.life) == (theirs.phone, theirs.life) && (of == about || same_owner)
    }

    fn tags(&self, about: StretchId) -> impl Iterator<Item = String> + '_ {
        let of = move |(id, _): &(StretchId, &Stretch)| self.is_theirs(*id, about);
        let tag = |owner: Option<u8>| owner.map_or("n".to_owned(), |person| person.to_string());
        let theirs = self.stretches.iter().enumerate().filter(of);
        theirs.map(move |(_, stretch)| tag(stretch.owner)).chain([tag(None)])
    }

    /// A screen of a phone's present person, one of a few.
    pub(crate) fn screen(&self, phone: u8, which: u64) -> String {
        let tag = self.owner(phone).map_or("n".to_owned(), |person| person.to_string());
        format!("screen-{tag}-{which}")
    }

    /// What a stretch is, for a message.
    pub(crate) fn describe(&self, id: StretchId) -> String {
        format!("{:?}", self.stretches[id])
    }
}

fn walk(value: &Value, see: &mut impl FnMut(&str)) {
    match value {
        Value::String(text) => see(text),
        Value::Array(items) => items.iter().for_each(|item| walk(item, see)),
        Value::Object(fields) => fields.values().for_each(|field| walk(field, see)),
        _ => {}
    }
}
