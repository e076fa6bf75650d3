// Package assertion verifies the JWTs of other parties: the assertions by which a
// client shows that it has a key (private_key_jwt, RFC 7523 §2.2), by which a
// platform vouches for a workload, and by which an identity provider vouches for a
// user (RFC 7523 §2.1).
//
// A [Verifier] is made for one party, the issuer of the assertions. It checks the
// signature, then the claims, and writes nothing. [Claims.Mark] is the record that
// makes an assertion good once: the caller adds it to the store with
// storage.Credentials.CreateCredential, and storage.ErrExists means that the
// assertion was used before. A caller that cannot reach the store refuses.
//
// # What is refused
//
// Every rule is strict, and none depends on the assertion's own word:
//
//   - The host has configured the keys, and the key decides the algorithm. The verifier
//     ignores keys and addresses in the header of an assertion.
//   - The audience is the server, alone, as a string. An assertion for two servers
//     lets each of them use it at the other.
//   - An assertion lives as long as the host says ([Config.MaxLifetime]), so that the
//     marks of used assertions stay few, however late their exp is.
//   - typ is one of those that the host expects, so that no access token and no ID
//     token of the same issuer is taken for an assertion.
//   - Constraints that are not understood (cnf, authorization_details) refuse the
//     assertion; they are not dropped.
//
// # Platforms
//
// [GitHubActions], [GitLab], [Kubernetes] and [SPIFFE] are configurations for the
// tokens of well-known platforms. They are data: a host changes what it needs to.
// [Rules] say which of a platform's workloads an assertion may stand for.
package assertion
