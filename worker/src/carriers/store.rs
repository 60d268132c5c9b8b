//! Storing a batch to the end: again and again while the database is away, in ever smaller pieces while it refuses
//! what is in them.

use std::{ops::Range, time::Duration};

use domain::db::lies_in_the_data;

/// How often content is refused before it is believed.
const BELIEVED: u32 = 3;
/// The longest pause between two tries.
const SLOWEST: Duration = Duration::from_secs(2);

/// Some answers and receipts of a batch, by their places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    pub answers: Range<usize>,
    pub receipts: Range<usize>,
}

impl Piece {
    fn len(&self) -> usize {
        self.answers.len() + self.receipts.len()
    }

    /// Two smaller ones, in order: an answer is stored before the receipt of its message.
    fn halves(self) -> [Self; 2] {
        let Self { answers, receipts } = self;
        if !answers.is_empty() && !receipts.is_empty() {
            let (a, r) = (answers.end, receipts.start);
            return [Self { answers, receipts: r..r }, Self { answers: a..a, receipts }];
        }
        let middle = |range: &Range<usize>| range.start + range.len() / 2;
        let (a, r) = (middle(&answers), middle(&receipts));
        [
            Self { answers: answers.start..a, receipts: receipts.start..r },
            Self { answers: a..answers.end, receipts: r..receipts.end },
        ]
    }
}

/// Stores all of `whole` but what is refused for its content, which it gives back one by one.
pub async fn store<F>(whole: Piece, attempt: impl Fn(Piece) -> F) -> Vec<Piece>
where
    F: Future<Output = domain::Result<()>>,
{
    let mut refused = Vec::new();
    let mut open = vec![(whole, BELIEVED)];
    while let Some((piece, believed)) = open.pop() {
        if piece.len() == 0 || patiently(&piece, believed, &attempt).await {
            continue;
        }
        if piece.len() == 1 {
            refused.push(piece);
            continue;
        }
        // A piece of what was refused is believed at once, but for the last: there it is decided.
        for half in piece.halves().into_iter().rev() {
            let believed = if half.len() == 1 { BELIEVED } else { 1 };
            open.push((half, believed));
        }
    }
    refused
}

/// Tries until it is stored; false when its content has been refused `believed` times.
async fn patiently<F>(piece: &Piece, believed: u32, attempt: &impl Fn(Piece) -> F) -> bool
where
    F: Future<Output = domain::Result<()>>,
{
    let (mut wait, mut times) = (Duration::from_millis(50), 0);
    loop {
        match attempt(piece.clone()).await {
            Ok(()) => return true,
            Err(e) => times += u32::from(lies_in_the_data(&e)),
        }
        if times >= believed {
            return false;
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(SLOWEST);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use domain::{Code, Error};

    /// Stores in memory; refuses what holds a poisoned place.
    async fn with_poison(answers: &[usize], receipts: &[usize], away: u32) -> (Vec<Piece>, Piece, Vec<Piece>) {
        let whole = Piece { answers: 0..20, receipts: 0..11 };
        let (stored, left) = (Mutex::new(Vec::new()), Mutex::new(away));
        let attempt = |piece: Piece| {
            let mut away = left.lock().unwrap();
            let outcome = if *away > 0 {
                *away -= 1;
                Err(Error::new(Code::Unavailable, "away"))
            } else if answers.iter().any(|a| piece.answers.contains(a))
                || receipts.iter().any(|r| piece.receipts.contains(r))
            {
                Err(Error::internal("refused"))
            } else {
                stored.lock().unwrap().push(piece);
                Ok(())
            };
            std::future::ready(outcome)
        };
        let refused = store(whole.clone(), attempt).await;
        (refused, whole, stored.into_inner().unwrap())
    }

    #[tokio::test]
    async fn one_poisoned_item_holds_up_nobody() {
        let (refused, _, stored) = with_poison(&[7], &[10], 0).await;
        let places = |pieces: &[Piece]| {
            let mut answers: Vec<usize> = pieces.iter().flat_map(|p| p.answers.clone()).collect();
            let receipts: Vec<usize> = pieces.iter().flat_map(|p| p.receipts.clone()).collect();
            assert!(answers.is_sorted() && receipts.is_sorted(), "in the order they came");
            answers.extend(receipts.iter().map(|r| r + 100));
            answers
        };
        assert_eq!(places(&refused), [7, 110]);
        let others: Vec<usize> = (0..20).filter(|n| *n != 7).chain(100..110).collect();
        assert_eq!(places(&stored), others);
    }

    #[tokio::test]
    async fn a_database_that_is_away_makes_nobody_a_poison() {
        let (refused, whole, stored) = with_poison(&[], &[], 4).await;
        assert_eq!((refused, stored), (Vec::new(), vec![whole]));
    }
}
