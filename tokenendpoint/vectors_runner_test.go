package tokenendpoint_test

import (
	"strings"
	"testing"
)

// TestVectorsNotice shows that the runner of the vectors notices a wrong
// expectation: such a vector fails.
func TestVectorsNotice(t *testing.T) {
	const right = "> form c1 grant_type=client_credentials\n< 200\n"
	for name, c := range map[string]struct{ text, want string }{
		"nothing wrong":                    {right, ""},
		"another status":                   {"> form c1 grant_type=client_credentials\n< 400 invalid_request\n", "got 200"},
		"another error code":               {"> form c1 grant_type=nope\n< 400 invalid_request\n", "error is unsupported_grant_type"},
		"no error code":                    {"> form c1 grant_type=nope\n< 401\n", "got 400"},
		"another member":                   {right + "< .scope = \"read\"\n", "scope is read write admin:x"},
		"a member that is not there":       {right + "< .refresh_token\n", "refresh_token is <nil>"},
		"a member that is there":           {right + "< !.scope\n", "scope is read write admin:x"},
		"another text in a member":         {right + "< .token_type ~ MAC\n", "token_type is Bearer"},
		"other members":                    {right + "< members access_token\n", "members are"},
		"another claim":                    {right + "< token.sub = \"c2\"\n", "sub is c1"},
		"another JOSE header":              {right + "< token-header.typ = \"JWT\"\n", "typ is at+jwt"},
		"another header":                   {right + "< Cache-Control: public\n", "Cache-Control is"},
		"a header that is there":           {right + "< Cache-Control:\n", "Cache-Control is"},
		"another body":                     {"> form c1 /connect/revocation token=x\n< 200 {\"a\":1}\n", "the body is {}"},
		"another answer than the first":    {right + "> form c1 grant_type=client_credentials&scope=read\n< 200\n< same as first\n", "want as before"},
		"a store that is asked":            {right + "store not asked\n", `the store was asked ["Client"]`},
		"a store that is asked otherwise":  {right + "store APIKey\n", `the store was asked ["Client"]`},
		"a challenge that is not Basic":    {"> form c1:wrong-secret grant_type=client_credentials\n< 401 invalid_client\n< WWW-Authenticate: x\n", "WWW-Authenticate is"},
		"a round through a loop":           {"for scope: read | root\n> form c1 grant_type=client_credentials&scope={scope}\n< 200\n", `scope is "root"`},
		"an unknown expectation":           {right + "< whatever is this\n", "is not known"},
		"an unknown function":              {"> form c1 grant_type={nonsense x}\n< 200\n", `"nonsense" is not known`},
		"an expression that is none":       {"> form c1 grant_type={c-1.secret}\n< 200\n", "is no expression"},
		"a client that is not there":       {"> form c3 grant_type=client_credentials\n< 200\n", "there is no client c3"},
		"a change that is not known":       {"> form c1 code={code c1 colour=red}\n< 200\n", `"colour=red" is not known`},
		"a definition that has no end":     {"let A: {A}\n> form c1 {A}\n< 200\n", "there is no end"},
		"a request that is no HTTP at all": {"> form\n< 200\n", "there is no client"},
	} {
		t.Run(name, func(t *testing.T) {
			vectors, err := parseVectors(name, "== A01 A vector of this test.\n"+c.text)
			if err != nil {
				t.Fatal(err)
			}
			failures := strings.Join(vectors[0].run(t), "\n")
			if c.want == "" && failures != "" || !strings.Contains(failures, c.want) {
				t.Errorf("got %s, want %s", failures, c.want)
			}
		})
	}
}

// TestVectorsNoticeLeaks is row D33 in the runner: a secret in the log fails.
func TestVectorsNoticeLeaks(t *testing.T) {
	s := newVectorServer(t, &vector{})
	defer s.close()
	s.Write([]byte("c1 showed " + s.clients["c1"].secret))
	if err := s.leaked(); err == nil {
		t.Error("a secret in the log was not found")
	}
	if err := s.leaked(); err != nil {
		t.Errorf("in the next round: %v, want a new log", err)
	}
}

// TestVectorsRefused: a vector that cannot be right is an error, and never
// passed over.
func TestVectorsRefused(t *testing.T) {
	const head, right = "== A01 A vector of this test.\n", "> form c1 a=b\n< 200\n"
	for name, text := range map[string]string{
		"nothing":                         "",
		"no rule":                         "== A01\n" + right,
		"no row":                          "== A rule without a row.\n" + right,
		"no sentence":                     "== A01 a rule\n" + right,
		"no request":                      head,
		"no expectation":                  head + "> form c1 a=b\n",
		"no expectation for the first":    head + "> form c1 a=b\nquick\n< 200\n",
		"an answer to nothing":            head + "< 200\n",
		"a request without a vector":      right + head + right,
		"an unknown setting":              head + "whatever\n" + right,
		"an unknown setting at the end":   head + right + "whatever\n",
		"an unknown member of a client":   head + `client {"client_id": "x", "colour": "red"}` + "\n" + right,
		"an unknown member of a server":   head + `server {"colour": "red"}` + "\n" + right,
		"a loop that nobody asks for":     head + "for x: 1 | 2\n" + right,
		"a loop with too few values":      head + "for x -> y: 1\n> form c1 {x}{y}\n< 200\n",
		"a loop without values":           head + "for x\n> form c1 {x}\n< 200\n",
		"an item without a loop":          head + "\tx\n" + right,
		"a definition without a name":     head + "let : x\n" + right,
		"a setting behind a request":      head + right + "form-only\n",
		"an expectation of quickness":     head + right + "quick please\n",
		"an expectation before an answer": head + "store not asked\n" + right,
	} {
		if _, err := parseVectors("a file", text); err == nil {
			t.Errorf("%s: the vector was read, want an error", name)
		}
	}
}
