//! The secret itself: `crl_live_`, `crl_test_` or, for the operator, `crl_op_`, then 32 random letters and digits (190
//! bits) and a checksum of six.

use std::fmt;

use sha2::{Digest, Sha256};

use crate::{accounts::Mode, ids};

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

const OPERATOR: &str = "crl_op_";

/// A token's secret. Debug output hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// A new secret of an account.
    pub fn generate(mode: Mode) -> Self {
        Self::draw(format!("crl_{mode}_"))
    }

    /// A new secret of the operator.
    pub fn generate_operator() -> Self {
        Self::draw(OPERATOR.to_owned())
    }

    fn draw(mut text: String) -> Self {
        let mut random = [0u8; 64];
        let mut drawn = 0;
        while drawn < 32 {
            ids::fill_random(&mut random);
            // 248 = 4 × 62: what is above would make the first letters likelier.
            for byte in random.iter().filter(|b| **b < 248).take(32 - drawn) {
                text.push(letter(*byte));
                drawn += 1;
            }
        }
        let check: String = Sha256::digest(&text).iter().take(6).map(|b| letter(*b)).collect();
        Self(text + &check)
    }

    /// Reads a secret of an account by its shape; `None` when it cannot be one.
    pub fn parse(text: &str) -> Option<Self> {
        let tail = text.strip_prefix("crl_live_").or_else(|| text.strip_prefix("crl_test_"))?;
        is_tail(tail).then(|| Self(text.to_owned()))
    }

    /// Reads a secret of the operator by its shape; `None` when it cannot be one.
    pub fn parse_operator(text: &str) -> Option<Self> {
        is_tail(text.strip_prefix(OPERATOR)?).then(|| Self(text.to_owned()))
    }

    /// Which kind of account it is for; meant for secrets of accounts only.
    pub fn mode(&self) -> Mode {
        if self.0.starts_with("crl_live_") { Mode::Live } else { Mode::Test }
    }
    /// What is stored.
    pub fn hash(&self) -> Vec<u8> {
        Sha256::digest(&self.0).to_vec()
    }
    /// The last four characters.
    pub fn hint(&self) -> String {
        self.0.chars().skip(self.0.len().saturating_sub(4)).collect()
    }
    /// The text, to be shown once.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

fn is_tail(tail: &str) -> bool {
    (24..=200).contains(&tail.len()) && tail.bytes().all(|b| b.is_ascii_alphanumeric())
}

fn letter(byte: u8) -> char {
    ALPHABET.get(usize::from(byte) % 62).copied().map_or('0', char::from)
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret(…{})", self.hint())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_secrets_parse_and_differ() {
        let (a, b) = (Secret::generate(Mode::Live), Secret::generate(Mode::Live));
        assert_ne!(a, b);
        assert_eq!(a.expose().len(), 9 + 32 + 6);
        assert_eq!(Secret::parse(a.expose()), Some(a.clone()));
        assert!(!format!("{a:?}").contains(a.expose()));
        let operator = Secret::generate_operator();
        assert_eq!(Secret::parse_operator(operator.expose()), Some(operator.clone()));
        assert_eq!((Secret::parse(operator.expose()), Secret::parse_operator(a.expose())), (None, None));
    }

    #[test]
    fn other_shapes_are_no_secrets() {
        for bad in ["", "crl_live_short", "crl_prod_abcdefghijklmnopqrstuvwxyz", "crl_test_abcdefghijklmnopqrstuv-xyz"]
        {
            assert!(Secret::parse(bad).is_none(), "{bad}");
        }
    }
}
