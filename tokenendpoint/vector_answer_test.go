package tokenendpoint_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/contit/oauth/tokenendpoint/internal/testbed"
	"github.com/contit/oauth/tokenendpoint/jws"
)

// vectorAnswer is the answer to a request.
type vectorAnswer struct {
	status int
	header http.Header
	body   string

	members      map[string]any // of the body
	jose, claims map[string]any // of the access token
}

// An answerCheck compares an answer with the expectation of a vector.
type answerCheck struct {
	*vectorAnswer
	server   *vectorServer
	request  *vectorRequest
	first    *vectorAnswer // that of the vector's first request
	problems []string
}

func (c *answerCheck) problem(format string, args ...any) {
	c.problems = append(c.problems, fmt.Sprintf(format, args...))
}

// check evaluates the lines of an answer.
func (c *answerCheck) check(lines []string) {
	status, rest, _ := strings.Cut(lines[0], " ")
	if n, err := strconv.Atoi(status); err != nil || n != c.status {
		c.problem("got %d %.300s, want %s", c.status, c.body, lines[0])
		return
	}
	c.envelope(rest, slices.ContainsFunc(lines, func(s string) bool { return strings.HasPrefix(s, "WWW-Authenticate: ") }))
	for _, line := range lines[1:] {
		c.line(line)
	}
}

// envelope checks the content that follows from a status and the rest of its
// line: nothing, an error code, or a body of JSON.
func (c *answerCheck) envelope(rest string, challenged bool) {
	if c.request.method == http.MethodHead || c.status == http.StatusNoContent || c.status == http.StatusNotModified {
		if c.body != "" {
			c.problem("the body is %q, want none", c.body)
		}
		rest = ""
	}
	toToken := strings.Contains(strings.Split(c.request.target, "?")[0], "/token")
	switch {
	case strings.HasPrefix(rest, "{"):
		c.common()
		if want, err := decodeJSON(rest); err != nil || !reflect.DeepEqual(any(c.members), want) {
			c.problem("the body is %s, want %s", c.body, rest)
		}
	case rest != "":
		c.common()
		c.refused(rest)
	case c.status == http.StatusOK && c.request.method == http.MethodPost && toToken:
		c.common()
		c.tokens()
	}
	switch c.status {
	case http.StatusUnauthorized:
		got := c.header.Values("WWW-Authenticate")
		if !challenged && (len(got) != 1 || !basicChallenge.MatchString(got[0])) {
			c.problem("WWW-Authenticate is %q, want one Basic challenge", got)
		}
	case http.StatusMethodNotAllowed:
		c.headerIs("Allow", "POST")
	case http.StatusRequestEntityTooLarge:
		c.headerIs("Connection", "close")
	}
}

var (
	basicChallenge = regexp.MustCompile(`^Basic realm="[^"]+", error="invalid_client"$`)
	errorText      = regexp.MustCompile(`^[\x20-\x21\x23-\x5b\x5d-\x7e]*$`)
	printable      = regexp.MustCompile(`^[\x20-\x7e]+$`)
)

// common checks the rules for every answer with a body.
func (c *answerCheck) common() {
	c.headerIs("Cache-Control", "no-store")
	c.headerIs("Pragma", "no-cache")
	c.headerIs("X-Content-Type-Options", "nosniff")
	c.headerIs("Content-Type", "application/json")
	c.headerIs("Set-Cookie", "")
	c.headerIs("Location", "")
	members, err := testbed.Members(c.body)
	if err != nil {
		c.problem("the body %q is not one JSON object: %v", c.body, err)
	}
	c.members = members
}

func (c *answerCheck) headerIs(name, want string) {
	got := c.header.Values(name)
	if want == "" && len(got) > 0 || want != "" && (len(got) != 1 || got[0] != want) {
		c.problem("%s is %q, want %q", name, got, want)
	}
}

// refused checks an error (RFC 6749 §5.2). It echoes nothing.
func (c *answerCheck) refused(code string) {
	if c.members["error"] != code {
		c.problem("error is %v, want %s", c.members["error"], code)
	}
	for name := range c.members {
		if !slices.Contains([]string{"error", "error_description", "error_uri"}, name) {
			c.problem("the error has a member %q", name)
		}
	}
	if text, _ := c.members["error_description"].(string); !errorText.MatchString(text) {
		c.problem("error_description is %q", text)
	}
	for _, p := range c.request.params {
		if len(p[1]) > 3 && p[0] != "grant_type" && strings.Contains(c.body, p[1]) {
			c.problem("the error %s echoes the value %q", c.body, p[1])
		}
	}
}

// tokens checks a successful answer (RFC 6749 §5.1), and the access token in it.
func (c *answerCheck) tokens() {
	token, _ := c.members["access_token"].(string)
	refresh, _ := c.members["refresh_token"].(string)
	c.server.secret(token)
	c.server.secret(refresh)
	if !printable.MatchString(token) {
		c.problem("access_token is %q", token)
	}
	if c.members["token_type"] != "Bearer" {
		c.problem("token_type is %v, want Bearer", c.members["token_type"])
	}
	number, _ := c.members["expires_in"].(json.Number)
	if seconds, err := number.Int64(); err != nil || seconds < 1 || seconds > 31536000 {
		c.problem("expires_in is %v, want an integer from 1 to 31536000", c.members["expires_in"])
	}
	payload, _, err := jws.Verify(context.Background(), c.server.keys, token, jws.TypeAccessToken, time.Now())
	if err == nil {
		c.claims, err = testbed.Members(string(payload))
	}
	if err != nil {
		c.problem("the access token: %v", err)
	}
	header, _, _ := strings.Cut(token, ".")
	raw, _ := base64.RawURLEncoding.DecodeString(header)
	c.jose, _ = testbed.Members(string(raw))
	if c.claims["scope"] != c.members["scope"] {
		c.problem("scope is %v, and %v in the token", c.members["scope"], c.claims["scope"])
	}
}

var memberLine = regexp.MustCompile(`^(!?)(token-header|token)?\.([A-Za-z0-9_]+)(?: ([=~]) (.*))?$`)

// line checks one further line of an answer.
func (c *answerCheck) line(line string) {
	if names, ok := strings.CutPrefix(line, "members "); ok {
		if got := slices.Sorted(maps.Keys(c.members)); !slices.Equal(got, strings.Fields(names)) {
			c.problem("members are %q, want %s", got, names)
		}
		return
	}
	if line == "same as first" {
		c.sameAsFirst()
		return
	}
	if m := memberLine.FindStringSubmatch(line); m != nil {
		c.member(m)
		return
	}
	name, want, ok := strings.Cut(line, ":")
	if !ok || strings.Contains(name, " ") {
		c.problem("%q is not known", line)
		return
	}
	c.headerIs(name, strings.TrimPrefix(want, " "))
}

// member checks a member of the body, or of the access token.
func (c *answerCheck) member(m []string) {
	all := map[string]map[string]any{"": c.members, "token": c.claims, "token-header": c.jose}[m[2]]
	if c.members == nil { // a document
		c.members, _ = testbed.Members(c.body)
		all = c.members
	}
	got, there := all[m[3]]
	text, _ := got.(string)
	want, err := decodeJSON(m[5])
	switch {
	case m[1] == "!" && there, m[1] == "" && !there:
		c.problem("%s is %v, want %s", m[3], got, m[0])
	case m[4] == "~" && !strings.Contains(text, m[5]), m[4] == "=" && (err != nil || !reflect.DeepEqual(got, want)):
		c.problem("%s is %v, want %s", m[3], got, m[0])
	}
}

// sameAsFirst asserts that two answers cannot be told apart. The Date may
// differ.
func (c *answerCheck) sameAsFirst() {
	got, want := c.header.Clone(), c.first.header.Clone()
	got.Del("Date")
	want.Del("Date")
	if c.status != c.first.status || c.body != c.first.body || !reflect.DeepEqual(got, want) {
		c.problem("got %d %v %s, want as before %d %v %s", c.status, got, c.body, c.first.status, want, c.first.body)
	}
}

func decodeJSON(text string) (value any, err error) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	err = d.Decode(&value)
	return value, err
}
