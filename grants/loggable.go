package grants

import (
	"strings"

	"github.com/contit/oauth/storage"
)

// Loggable reports whether a text of a request, such as a scope or a grant_type that
// nobody knows, may stand in the cause of a refusal, which is for the log. Such a text is
// one token of at most 64 bytes that looks like no secret: clients put their keys into
// wrong parameters. A drawn secret has a long run of letters and digits; names that
// people make have none.
//
// Package tokenendpoint calls it; no host needs it.
func Loggable(text string) bool {
	const longest, longestRun = 64, 20 // a drawn secret has 43 characters, and digits
	if len(text) > longest || !storage.IsScopeToken(text) || storage.PresentedSecret(text).WellFormedAny() {
		return false
	}
	for part := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == ':' || r == '/' || r == '.' }) {
		if len(part) >= longestRun && strings.ContainsAny(part, "0123456789") {
			return false
		}
	}
	return true
}

// firstBeyond returns the first text of a list that is beyond a bound and may be logged, in
// quotes and with a space before it, or nothing.
func firstBeyond(list, bound []string) string {
	known := setOf(bound)
	for _, text := range list {
		if !known.has(text) && Loggable(text) {
			return ` "` + text + `"`
		}
	}
	return ""
}
