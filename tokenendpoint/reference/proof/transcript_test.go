package proof

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"

	"github.com/contit/oauth/tokenendpoint/internal/testbed"
)

// TestOpenAPIIsTrue runs the vectors and the rules of the endpoint, and holds every
// request and every answer against the document of the endpoint that answered. A
// request that succeeds is as the document says, so a request that is not was
// refused. Every answer is as the document says, and has nothing that it does not say.
func TestOpenAPIIsTrue(t *testing.T) {
	p := &prover{t: t, documents: map[string]*openapi3.T{}, seen: map[string]error{}}
	record(t, p.prove)
	t.Logf("%d exchanges with %d endpoints; %d requests succeeded, and of %d that were answered with 400 the schemas forbid %d; %d requests had no operation",
		p.exchanges, len(p.documents), p.succeeded, p.refused, p.foreseen, p.others)
	t.Logf("%d requests that succeeded had a client_assertion, %d the grant jwt-bearer; %d errors had an error_uri", p.asserted, p.borne, p.explained)
	if p.succeeded < 1000 || p.foreseen < 1000 || len(p.documents) < 5 || p.asserted < 40 || p.borne < 3 || p.explained < 20 {
		t.Errorf("a part of the tests was not recorded")
	}
}

// A prover holds exchanges against documents.
type prover struct {
	t         *testing.T
	documents map[string]*openapi3.T // by the description of their endpoints
	seen      map[string]error       // kin-openapi compiles a schema each time, which takes a millisecond

	exchanges, succeeded, refused, foreseen, others int
	asserted, borne, explained                      int
}

func (p *prover) prove(x *testbed.Exchange) {
	p.exchanges++
	key := fmt.Sprintf("%+v", x.Endpoint)
	doc, ok := p.documents[key]
	if !ok {
		doc = load(p.t, x.Endpoint)
		p.documents[key] = doc
	}
	route := find(doc, x)
	if route == nil {
		p.others++
		if err := withoutOperation(x); err != nil {
			p.t.Errorf("%s: %v", spell(x), err)
		}
		return
	}
	key += route.Path
	if x.Status < 400 || x.Status == http.StatusBadRequest {
		requested := p.once(func() error { return checkRequest(p.t, route, x) }, key, x.Header["Content-Type"], x.Body)
		switch {
		case x.Status < 400 && requested != nil:
			p.t.Errorf("%s: it succeeded, and the document does not allow it: %v", spell(x), requested)
		case x.Status < 400:
			p.succeeded++
			p.asserted += count(x.Body, "client_assertion")
			p.borne += count(x.Body, "grant-type%3Ajwt-bearer")
		default:
			p.refused++
			if requested != nil {
				p.foreseen++
			}
		}
	}
	p.explained += count(x.Content, `"error_uri"`)
	answer := x.Answer.Clone()
	answer.Del("Date")
	if err := p.once(func() error { return checkAnswer(p.t, route, x) }, key, x.Method, x.Status, answer, alike(x)); err != nil {
		p.t.Errorf("%s: the document does not allow the answer: %v", spell(x), err)
	}
}

// count is 1 if a body has the text.
func count(body []byte, text string) int { return min(bytes.Count(body, []byte(text)), 1) }

// once checks equal exchanges once.
func (p *prover) once(check func() error, of ...any) error {
	key := fmt.Sprint(of...)
	err, ok := p.seen[key]
	if !ok {
		err = check()
		p.seen[key] = err
	}
	return err
}

var random = regexp.MustCompile(`[A-Za-z0-9_.-]{30,}|"exp":\d+|"iat":\d+`)

// alike is the body of an answer without the parts that differ in each: to the schemas,
// one token is as good as another.
func alike(x *testbed.Exchange) string { return random.ReplaceAllString(string(x.Content), "x") }

// record runs the tests of the endpoint, and calls f with each exchange.
func record(t *testing.T, f func(*testbed.Exchange)) {
	t.Helper()
	folder := t.TempDir()
	test := exec.CommandContext(t.Context(), "go", "test", "-count=1", "-run", "^(TestVectors|TestSPEC|TestClientAssertion|TestJWTBearer)$", "github.com/contit/oauth/tokenendpoint")
	test.Env = append(os.Environ(), testbed.TranscriptVariable+"="+folder)
	if out, err := test.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	files, err := filepath.Glob(filepath.Join(folder, "*.jsonl"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcript was written: %v", err)
	}
	for _, name := range files {
		file, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		for lines := json.NewDecoder(file); ; {
			x := new(testbed.Exchange)
			if err := lines.Decode(x); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatal(err)
			}
			f(x)
		}
	}
}

// spell is an exchange for a failure.
func spell(x *testbed.Exchange) string {
	return fmt.Sprintf("%s %s %q %.300q: %d %.300q", x.Method, x.Path, x.Header["Content-Type"], x.Body, x.Status, x.Content)
}

// find returns the operation that a request is to. Some tests mount the endpoint below
// a prefix, or at every path.
func find(doc *openapi3.T, x *testbed.Exchange) *routers.Route {
	for path, item := range doc.Paths.Map() {
		if x.Path != path && !strings.HasSuffix(x.Path, path) {
			continue
		}
		method := x.Method
		if method == http.MethodHead {
			method = http.MethodGet
		}
		operations := item.Operations()
		if operations[method] == nil {
			return nil
		}
		return &routers.Route{Spec: doc, Server: doc.Servers[0], Path: path, PathItem: item, Method: method, Operation: operations[method]}
	}
	return nil
}

// withoutOperation checks the answer to a request that the document does not have: a
// preflight of a browser, another method, another path.
func withoutOperation(x *testbed.Exchange) error {
	switch {
	case x.Method == http.MethodOptions && x.Status == http.StatusNoContent,
		x.Status == http.StatusMethodNotAllowed && x.Answer.Get("Allow") != "",
		x.Status == http.StatusNotFound:
		return nil
	}
	return errors.New("the document has no such operation, want 204, 404 or 405")
}

// checkRequest holds a request against its operation.
func checkRequest(t *testing.T, route *routers.Route, x *testbed.Exchange) error {
	r := httptest.NewRequestWithContext(t.Context(), route.Method, "https://as.test"+route.Path, bytes.NewReader(x.Body))
	r.Header = x.Header.Clone()
	if mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err == nil { // it has no case, and kin-openapi takes it literally
		r.Header.Set("Content-Type", mediaType)
	}
	return openapi3filter.ValidateRequest(t.Context(), input(r, route))
}

func input(r *http.Request, route *routers.Route) *openapi3filter.RequestValidationInput {
	return &openapi3filter.RequestValidationInput{Request: r, Route: route, Options: &openapi3filter.Options{
		AuthenticationFunc:    openapi3filter.NoopAuthenticationFunc, // every operation allows none
		IncludeResponseStatus: true,
	}}
}

// checkAnswer holds an answer against its operation.
func checkAnswer(t *testing.T, route *routers.Route, x *testbed.Exchange) error {
	r := httptest.NewRequestWithContext(t.Context(), x.Method, "https://as.test"+route.Path, nil)
	in := input(r, route)
	content := x.Content
	if x.Method == http.MethodHead || x.Status == http.StatusNotModified {
		if in.Options.ExcludeResponseBody = true; len(content) > 0 {
			return errors.New("it has a body")
		}
	}
	answer := &openapi3filter.ResponseValidationInput{RequestValidationInput: in, Status: x.Status, Header: x.Answer, Options: in.Options}
	answer.SetBodyBytes(content)
	if err := openapi3filter.ValidateResponse(t.Context(), answer); err != nil {
		return err
	}
	response := route.Operation.Responses.Status(x.Status)
	if response == nil {
		return fmt.Errorf("the operation has no answer %d", x.Status)
	}
	if in.Options.ExcludeResponseBody {
		return nil
	}
	return undocumented(response.Value.Content["application/json"].Schema.Value, content)
}

// undocumented looks for members of an answer that its schema does not name. The
// claims of a token and the metadata may have further ones, of the host's.
func undocumented(schema *openapi3.Schema, content []byte) error {
	var members map[string]any
	if err := json.Unmarshal(content, &members); err != nil {
		return err
	}
	if members["active"] == true || members["issuer"] != nil {
		return nil
	}
	for _, s := range append(schema.OneOf, openapi3.NewSchemaRef("", schema)) {
		for name := range s.Value.Properties {
			delete(members, name)
		}
	}
	if len(members) > 0 {
		return fmt.Errorf("the schema does not name the members of %v", members)
	}
	return nil
}
