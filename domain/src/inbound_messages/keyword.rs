//! The words by which a subscriber stops messages and lets them come again. Pure.
//!
//! Invariant: only a message that is such a word, and nothing else, is one: `Stop it, I am laughing` is a text.

crate::text_enum! {
    /// What a message asks for, when it is one of the words for it.
    pub enum Keyword("InboundKeyword") {
        /// No more messages from this sender.
        Stop = "stop",
        /// No more messages from this account.
        StopAll = "stop_all",
        /// What a stop has stopped may come again.
        Start = "start",
    }
}

/// Words for [`Keyword::Stop`]: English and what carriers prescribe; German and Swedish; French; Spanish and Portuguese;
/// Italian; Polish; Ukrainian and Russian. A sender of one country gets the words of others, so all count everywhere.
pub const STOP: &[&str] = &[
    "stop",
    "unsubscribe",
    "cancel",
    "end",
    "quit",
    "opt out",
    "optout", //
    "stopp",
    "abmelden",
    "avsluta", //
    "arret",
    "arrêt",
    "arreter",
    "arrêter",
    "desabonner",
    "désabonner", //
    "baja",
    "alto",
    "cancelar",
    "parar",
    "sair", //
    "ferma",
    "cancella",
    "disiscrivi", //
    "rezygnacja",
    "wypisz", //
    "стоп",
    "відписка",
    "відписатися",
    "відписати",
    "отписка",
    "отписаться",
    "отписать",
];

/// Words for [`Keyword::StopAll`].
pub const STOP_ALL: &[&str] = &[
    "stop all",
    "stopall",
    "unsubscribe all", //
    "stopp alle",
    "stop alle",
    "stoppa alla", //
    "arret tout",
    "arrêt tout",
    "stop tout", //
    "baja total",
    "stop todo",
    "parar tudo",
    "parar todo", //
    "stop tutto",
    "stop tutti",
    "stop wszystko", //
    "стоп все",
    "стоп всё",
    "стоп усе",
    "стоп всі",
    "стоп усі",
];

/// Words for [`Keyword::Start`].
pub const START: &[&str] =
    &["start", "unstop", "subscribe", "alta", "reprise", "iniciar", "inizia", "старт", "підписка", "подписка"];

impl Keyword {
    /// What a text asks for. Case, spaces around and between, quotes and marks at the ends count for nothing.
    pub fn read(text: &str) -> Option<Self> {
        // Longer than any word: not looked at.
        if text.chars().count() > 100 {
            return None;
        }
        let bare = text.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
        let words: Vec<&str> = bare.split_whitespace().collect();
        let plain = words.join(" ");
        let is = |list: &[&str]| list.contains(&plain.as_str());
        match () {
            () if is(STOP) => Some(Self::Stop),
            () if is(STOP_ALL) => Some(Self::StopAll),
            () if is(START) => Some(Self::Start),
            () => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_that_is_a_word_is_read_whatever_its_looks() {
        for stop in [
            "STOP",
            "stop",
            " Stop. ",
            "\"STOP\"\r\n",
            "СТОП",
            "стоп!",
            "ARRET",
            "Arrêt",
            "ARRÊT",
            "BAJA",
            "Stopp",
            "PARAR",
        ] {
            assert_eq!(Keyword::read(stop), Some(Keyword::Stop), "{stop}");
        }
        for all in ["STOP ALL", "stop  all", "STOPALL", "Стоп всё", "СТОП УСЕ", "Arrêt tout"] {
            assert_eq!(Keyword::read(all), Some(Keyword::StopAll), "{all}");
        }
        for start in ["START", "Старт", "unstop"] {
            assert_eq!(Keyword::read(start), Some(Keyword::Start), "{start}");
        }
    }

    #[test]
    fn a_text_with_a_word_in_it_is_a_text() {
        for text in
            ["", "...", "Stop it, I am laughing", "don't stop", "STOP2", "no", "stopall now", &"stop ".repeat(40)]
        {
            assert_eq!(Keyword::read(text), None, "{text}");
        }
    }

    #[test]
    fn each_word_means_one_thing_and_is_written_as_it_is_compared() {
        let lists = [(STOP, Keyword::Stop), (STOP_ALL, Keyword::StopAll), (START, Keyword::Start)];
        for (word, keyword) in lists.iter().flat_map(|(list, keyword)| list.iter().map(move |word| (word, keyword))) {
            assert_eq!(Keyword::read(word), Some(*keyword), "{word}");
        }
    }

    /// The page that users read has the words that count.
    #[test]
    fn the_documentation_lists_every_word() {
        let page = include_str!("../../../docs/inbound.md");
        for word in STOP.iter().chain(STOP_ALL).chain(START) {
            assert!(page.contains(&format!("`{word}`")), "docs/inbound.md lacks `{word}`");
        }
    }
}
