// Package proof holds tests of package reference that need more than the published
// module may require: it has no code of its own. Its tests open the pages in
// Chromium, and hold the OpenAPI document against the tools of others and against
// what the endpoint answers.
package proof
