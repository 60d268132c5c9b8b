//! SMPP 3.4 session.
