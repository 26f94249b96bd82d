//! An RSA key, and tokens that it signed: ring makes no such keys, and a private one has no business here.
//!
//! The tokens were made with OpenSSL. They have the claims of the other tokens here, with the subject
//! `rsa`.

/// The modulus of the key; its exponent is 65537.
pub(crate) const MODULUS: &str = concat!(
    "ruhOZQOONR-GH75ls5MRk7MpcYClx9jU8ZtL0Ws_7f1tVMu_J_L3vtsvZSBYSFXIMwZSIJAmr---",
    "qpcyzX1k7U68cMoA3haO8fBfKSgMTAHYtoXJJE0x6-HHlxE2wqX8JKKkrLio_K5jWy3gFHpXskxf6-YdAlAcG4DeL4_a4u-MMejahbrtO-",
    "WD_zpn0W6-IjIsT0co7Bb8nIqucAufyV1WWOqAUHqA3e-fXHA8S2Alv7z62u4lQLyq8mkeZoGx0sFFX9zOze1Np-6GqNgormVJTsqPkZK-",
    "nVqafd7PP2buXl3PX0SEeSGEQ8npaJFFqnZRTqVgZR4UYwSp8RZoEQ",
);

/// Signed with RSASSA-PKCS1-v1_5 and SHA-256, by the key `rsa`.
pub(crate) const RS256: &str = concat!(
    "eyJhbGciOiJSUzI1NiIsImtpZCI6InJzYSJ9.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlLm9yZyIsImF1ZCI6Imh0dHBzOi8vbG9ja",
    "2dhdGUuZXhhbXBsZS5vcmciLCJzdWIiOiJyc2EiLCJyZXBvc2l0b3J5IjoiYWNtZS9zaG9wIiwiZXhwIjoxODAwMDAwNjAwLCJpYXQiOjE4MDA",
    "wMDAwMDB9.CbFFz2zKUGdXvcFgHwh1x6PFv6JyuyqYwy9_LKYHh4TMIfAp0x0dBXmhaOV3SyJ1FwAqhKtnwvS-",
    "CJVhcASISPE1HIF3GVw5SKgXzOZKxbn-wIlcXlD1qRn0DM2FPgVGA-XLhgeUlkKfrP4LAzgiWYSYtWKm2YJMqNfWUp4I8e43amU1iTxL7NCU_h",
    "xkj3kHM4Rfo2VB_A_0EGrDHxHiVm6g0Gca_3VHfAANWU6TnJIhrXH1T3lqK-F9lQfri-",
    "qiOTW5AsrQgXkKJrvxTWiV9frklpIkfEHV_IfR7s402c7QyeiSWW-dnqHDz4nsJFZkSbK-v4Qn5HAX8ecCe-XdQQ",
);

/// Signed with RSASSA-PSS and SHA-256, by the key `rsa`.
pub(crate) const PS256: &str = concat!(
    "eyJhbGciOiJQUzI1NiIsImtpZCI6InJzYSJ9.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlLm9yZyIsImF1ZCI6Imh0dHBzOi8vbG9ja",
    "2dhdGUuZXhhbXBsZS5vcmciLCJzdWIiOiJyc2EiLCJyZXBvc2l0b3J5IjoiYWNtZS9zaG9wIiwiZXhwIjoxODAwMDAwNjAwLCJpYXQiOjE4MDA",
    "wMDAwMDB9.XEKxOUUjNlSN3gwHPuDg5AHfZTwVq81gT7cc-5EWVts1wyJfLmd2o7G2DLP4r1Jy3RlMv0_OR8tnZBGZy-lIIdBNgRnENFsIUI8u",
    "dDfid4fohJ8lQPEw9e9ZKrYTtfH_TuQnoEdcTyyeKit5FfefEztSLkeAcQzUukbGYSkBqtpXW2KvCxUZJ01iyVlo2ZIJaaLrYk8gkdsnQ9xCz8",
    "Z5qKESpkWe9X4EH0Xd342EnQRcGJ3vIii9FZAIs7eIKAH9sjtUDyD3MZ_IVZIdSKuNIs66e2cCramE572qbYGpFpp36irozn-",
    "bXxHRYkqdXFeme1umiDfEh7vN_yFqZJjZtA",
);
