package endpointtest

import (
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"testing"
)

func c10NotAnObject(t *testing.T, open opener) {
	f := newFixture(t, open)
	f.refusedUnread(f.objects(
		`[]`, `"x"`, `1`, `null`, `true`, ` `, "\n", `[{"grant_type":"client_credentials"}]`, `"grant_type"`, `{`, `}`, `{}`,
		`{"grant_type"}`, `{"grant_type":}`, `{"grant_type":"client_credentials"`, `{"grant_type":"client_credentials`, `"{\"grant_type\":\"client_credentials\"}"`,
	)...)
	f.refusedUnread(form().by(f.c1).set("Content-Type", "application/json")) // an empty body
}

func c11TrailingData(t *testing.T, open opener) {
	f := newFixture(t, open)
	for _, more := range []string{` {"scope":"admin:x"}`, `{}`, `x`, `,`, `}`, `null`, "\x00", "\f", "\u00a0", `&scope=admin:x`, "\x1a"} {
		f.refusedUnread(f.object(`{"grant_type":"client_credentials"}` + more))
	}
	f.send(f.object(`{"grant_type":"client_credentials"}` + " \r\n\t")).tokens()
}

func c12DeepNesting(t *testing.T, open opener) {
	f := newFixture(t, open)
	nested := func(open, value, end string, depth int) string {
		return `{"grant_type":"client_credentials","x":` + strings.Repeat(open, depth) + value + strings.Repeat(end, depth) + `}`
	}
	for _, body := range []string{
		`{"grant_type":"client_credentials","x":` + strings.Repeat("[", 20_000),
		nested("[", "", "]", 20_000),
		nested("[", "1", "]", 10_001),
		nested(`{"":`, "1", "}", 10_001),
		nested(`[{"a":[`, `1`, `]}]`, 5_000),
	} {
		f.refusedUnread(f.object(body))
		f.quick(f.object(body))
	}
	f.send(f.object(nested("[", "1", "]", 5))).tokens() // what people send
	f.send(f.object(`{"x":{"a":[{"b":null},"\u0041\n",true,false,-1.5e-3,{}],"c":[]},"grant_type":"client_credentials"}`)).tokens()
}

// c13ManyKeys pins that they are refused. 10 000 of them do not fit into a
// body, which row A18 answers; the others are as many as do.
func c13ManyKeys(t *testing.T, open opener) {
	f := newFixture(t, open)
	keys := func(n int, value string) *request {
		var b strings.Builder
		b.WriteString(`{"grant_type":"client_credentials"`)
		for i := range n {
			fmt.Fprintf(&b, `,"%x":%s`, i, value)
		}
		return f.object(b.String() + "}")
	}
	tooMany := keys(10_000, "1")
	f.store.counted()
	f.send(tooMany).refusedWith(http.StatusRequestEntityTooLarge, "invalid_request")
	f.untouched("10 000 keys")
	f.quick(tooMany)
	for _, r := range []*request{keys(7_000, "1"), keys(6_000, `""`), keys(5_000, "null")} {
		f.refusedUnread(r)
		f.quick(r)
		if n := f.allocated(r); n > 1<<20 {
			t.Errorf("%s: %d bytes were allocated, want at most 1 MiB", short(r.text()), n)
		}
	}
}

// allocated is how many bytes the handler allocates for a request: the least of
// several times, since others allocate too.
func (f *fixture) allocated(r *request) uint64 {
	least := ^uint64(0)
	for range 5 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		f.served(r)
		runtime.ReadMemStats(&after)
		least = min(least, after.TotalAlloc-before.TotalAlloc)
	}
	return least
}

func c14InvalidUTF8(t *testing.T, open opener) {
	f := newFixture(t, open)
	secret := `{"grant_type":"client_credentials","client_id":"` + f.c1.id + `","client_secret":"` + f.c1.secret + `%s"}`
	for _, bad := range []string{"\xff", "\xc0\x80", "\xed\xa0\x80", "\xe2\x82", "\xf4\x90\x80\x80"} {
		f.refusedUnread(rawJSON(fmt.Sprintf(secret, bad)))
		f.refusedUnread(f.objects(
			`{"grant_type":"client_credentials","foo":"`+bad+`"}`,
			`{"grant_type":"client_credentials","foo":{"a":["`+bad+`"]}}`,
			`{"grant_type":"client_credentials","fo`+bad+`o":"1"}`,
			`{"grant_type":"client_credentials","scope":"`+bad+`"}`,
			`{"grant_type":"client_credentials"}`+bad,
		)...)
	}
	f.send(rawJSON(fmt.Sprintf(secret, ""))).tokens()
	f.send(f.object(`{"grant_type":"client_credentials","foo":"é世😀"}`)).tokens()
}

func c15LoneSurrogate(t *testing.T, open opener) {
	f := newFixture(t, open)
	for _, bad := range []string{`\ud800`, `\udc00`, `\uD83D`, `\ud800\ud800`, `\udc00\ud800`, `\ud800\u0041`, `\ud800x`, `\ud800\n`, `a\ud83d`, `\ud800\\udc00`, `\ud83dxxde00`, `\ud83d\xde00`} {
		f.refusedUnread(f.objects(
			`{"code":"`+bad+`"}`,
			`{"grant_type":"client_credentials","code":"`+bad+`"}`,
			`{"grant_type":"client_credentials","scope":"`+bad+`"}`,
			`{"grant_type":"client_credentials","foo":"`+bad+`"}`,
			`{"grant_type":"client_credentials","foo`+bad+`":"1"}`,
			`{"grant_type":"client_credentials","foo":["`+bad+`"]}`,
		)...)
	}
	f.send(f.object(`{"grant_type":"client_credentials","foo":"\ud83d\ude00","b\uD83D\uDE00r":"1"}`)).tokens()
}

func c16NUL(t *testing.T, open opener) {
	f := newFixture(t, open)
	for _, name := range append([]string{"foo", "fo\\u0000o"}, everyName...) {
		if name == "scope" { // row B14
			continue
		}
		rest := `,"grant_type":"client_credentials"}`
		if name == "grant_type" {
			rest = `}`
		}
		f.refusedUnread(f.object(`{"` + name + `":"a\u0000"` + rest))
	}
	f.send(f.object(`{"grant_type":"client_credentials","scope":"read\u0000"}`)).refused("invalid_scope")
	f.refusedUnread(f.object(`{"grant_type":"client_credentials","foo":{"a":"` + "\x00" + `"}}`))
}

func c17Dialects(t *testing.T, open opener) {
	f := newFixture(t, open)
	f.refusedUnread(f.objects(
		`{"grant_type":"client_credentials"/* a comment */}`,
		"// a comment\n"+`{"grant_type":"client_credentials"}`,
		`{"grant_type":"client_credentials"} // a comment`,
		"# a comment\n"+`{"grant_type":"client_credentials"}`,
		`{"grant_type":"client_credentials",}`,
		`{,"grant_type":"client_credentials"}`,
		`{"grant_type":"client_credentials",,"foo":"1"}`,
		`{"grant_type":"client_credentials" "foo":"1"}`,
		`{"grant_type":"client_credentials","foo":[1,]}`,
		`{"grant_type":"client_credentials","foo":[,1]}`,
		`{"grant_type":"client_credentials","foo":{"a":1,}}`,
		`{'grant_type':'client_credentials'}`,
		`{grant_type:"client_credentials"}`,
		`{"grant_type":client_credentials}`,
		`{"grant_type"="client_credentials"}`,
	)...)
	for _, value := range []string{
		`NaN`, `Infinity`, `-Infinity`, `undefined`, `True`, `nul`, `nulll`, `tru`, `01`, `+1`, `.5`, `1.`, `0x1`, `1e`, `1e+`, `-`, `--1`, `1_000`, ``,
		`"\x41"`, `"\x0041"`, `"\'"`, `"\u00g1"`, `"\u004"`, `"\U00000041"`, "\"a\nb\"", "\"a\tb\"", `"\`, `"\"`, `{"a"}`, `{1:2}`, `[1 2]`, `[1}`, `{"a":1]`,
	} {
		f.refusedUnread(f.object(`{"grant_type":"client_credentials","foo":` + value + `}`))
	}
	f.send(f.object(`{"grant_type":"client_credentials","foo":"\"\\\/\b\f\n\r\t"}`)).tokens()
}

func c18Mislabelled(t *testing.T, open opener) {
	f := newFixture(t, open)
	f.refusedUnread(
		f.object("grant_type=client_credentials"),
		rawForm(`{"grant_type":"client_credentials"}`).by(f.c1),
	)
}

// c19Credentials leaves the client that is registered for Basic alone to row
// D20.
func c19Credentials(t *testing.T, open opener) {
	f := newFixture(t, open)
	f.send(posted(f.c1).json()).tokens()
	f.send(posted(f.c1).with("client_secret", "wrong-secret").json()).unauthorized()
	f.send(posted(f.c1).with("client_id", f.c2.id).json()).unauthorized()
	f.refusedUnread(posted(f.c1).json().basic(f.c1.id, f.c1.secret)) // two mechanisms
	f.send(posted(f.sp).json()).tokens()                             // nothing is encoded here
}

// c20Numbers pins that a number in an ignored key is only passed over.
func c20Numbers(t *testing.T, open opener) {
	f := newFixture(t, open)
	for _, n := range []string{"1e400", "-1e-400", "123456789012345678901234567890", "0", "-0", "0.1e+5", "1E5", "3600", strings.Repeat("9", 10_000)} {
		for _, name := range []string{"expires_in", "lifetime", "foo"} {
			f.send(f.object(`{"grant_type":"client_credentials","` + name + `":` + n + `}`)).tokens()
		}
	}
	want := f.send(clientCredentials(f.c1)).tokens().expiresIn
	for _, r := range both(clientCredentials(f.c1).and("expires_in", "31536000")) {
		if got := f.send(r).tokens().expiresIn; got != want {
			t.Errorf("%s: expires_in is %d, want %d", r.text(), got, want)
		}
	}
}
