//! Subjects, and the rounds in which they take turns.

use std::time::Duration;

use crate::meter;

/// Something that is measured.
pub(crate) struct Subject {
    pub(crate) name: String,
    /// Runs it so many times and returns what [`meter::metered`] read.
    run: Box<dyn FnMut(u32) -> f64>,
}

impl Subject {
    pub(crate) fn new(name: impl Into<String>, mut call: impl FnMut() + 'static) -> Self {
        let run = move |calls| meter::metered(|| (0..calls).for_each(|_| call()));
        Subject::by(name, run)
    }

    /// Of something that does more than what is metered in it.
    pub(crate) fn by(name: impl Into<String>, run: impl FnMut(u32) -> f64 + 'static) -> Self {
        Subject { name: name.into(), run: Box::new(run) }
    }

    /// Runs it, only to be watched by another program.
    pub(crate) fn repeat(&mut self, calls: u32) {
        (self.run)(calls);
    }
}

/// How many rounds, and how long each subject's turn in them is.
#[derive(Clone, Copy)]
pub(crate) struct Effort {
    pub(crate) rounds: usize,
    pub(crate) turn: Duration,
}

impl Effort {
    /// Only to see that it works.
    pub(crate) const TEST: Effort = Effort { rounds: 1, turn: Duration::ZERO };

    pub(crate) fn is_test(self) -> bool {
        self.turn.is_zero()
    }
}

/// What one call of each subject took, in every round.
pub(crate) struct Measured {
    names: Vec<String>,
    rounds: Vec<Vec<f64>>,
}

impl Measured {
    /// Measures the subjects in alternating rounds, because machines are noisy: what disturbs one, disturbs its
    /// neighbours in the same round.
    pub(crate) fn of(mut subjects: Vec<Subject>, effort: Effort) -> Self {
        let calls: Vec<u32> = subjects
            .iter_mut()
            .map(|subject| meter::calls(&mut subject.run, effort.turn))
            .collect();
        let mut rounds = vec![Vec::with_capacity(effort.rounds); subjects.len()];
        for _ in 0..effort.rounds {
            for ((subject, calls), figures) in subjects.iter_mut().zip(&calls).zip(&mut rounds) {
                figures.push((subject.run)(*calls) / f64::from(*calls));
            }
        }
        Measured { names: subjects.into_iter().map(|subject| subject.name).collect(), rounds }
    }

    fn rounds(&self, name: &str) -> &[f64] {
        let at = self.names.iter().position(|other| other == name);
        at.map_or(&[], |at| &self.rounds[at])
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.names().any(|other| other == name)
    }

    /// The median of the rounds.
    pub(crate) fn figure(&self, name: &str) -> f64 {
        median(self.rounds(name).to_vec())
    }

    /// How much more than `base`: the median of the differences within each round.
    pub(crate) fn over(&self, name: &str, base: &str) -> f64 {
        self.within(name, base, |own, base| own - base)
    }

    /// How many times `base`: the median of the ratios within each round.
    pub(crate) fn ratio(&self, name: &str, base: &str) -> f64 {
        self.within(name, base, |own, base| own / base)
    }

    fn within(&self, name: &str, base: &str, of: impl Fn(f64, f64) -> f64) -> f64 {
        let rounds = self.rounds(name).iter().zip(self.rounds(base));
        median(rounds.map(|(own, base)| of(*own, *base)).collect())
    }
}

pub(crate) fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}
