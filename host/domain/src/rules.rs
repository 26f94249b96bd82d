//! The rules that the host enforces itself, whatever the plugins say.
