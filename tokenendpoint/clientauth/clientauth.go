// Package clientauth authenticates the clients of a token endpoint
// (RFC 6749 §2.3). [Secrets] is the ready validator over a host's
// storage.Clients; [NewSecret], [Hash] and [FastHash] make what it verifies.
//
// # What a ClientSecret.Hash may be
//
//   - $sha256$ and 43 characters of base64url: [storage.Secret.Digest] of kind
//     "client_secret". Fast, and only for secrets with at least 128 random
//     bits. [NewSecret] and [FastHash] make it.
//   - $argon2id$v=19$m=…,t=…,p=…$salt$hash, the PHC string of RFC 9106, for
//     secrets that people chose. [Hash] makes it. The parameters are bounded:
//     m (KiB) at most 262144, t and p at most 16, the salt 8 to 64 bytes, the
//     hash 16 to 64.
//   - $2a$, $2b$ or $2y$, bcrypt with a cost of at most 16, for what was
//     imported. It is verified, never made. A secret of more than 72 bytes does
//     not match, since bcrypt would compare its first 72 only.
//
// Anything else is a fault of the record, reported as an outage, and not a
// verdict about who shows a secret.
package clientauth
