package testbed

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"sync"

	"github.com/contit/oauth/tokenendpoint"
)

// TranscriptVariable is the environment variable that names a folder for transcripts.
const TranscriptVariable = "OAUTH_TEST_TRANSCRIPT"

// An Exchange is a line of a transcript: a request as far as the endpoint has read it,
// and the answer.
type Exchange struct {
	Endpoint tokenendpoint.Description
	Method   string
	Path     string
	Header   http.Header
	Body     []byte
	Status   int
	Answer   http.Header
	Content  []byte
}

// transcript is the file of this process. It is nil if nobody wants one.
var transcript = sync.OnceValue(func() *recorder {
	folder := os.Getenv(TranscriptVariable)
	if folder == "" {
		return nil
	}
	file, err := os.CreateTemp(folder, "*.jsonl")
	if err != nil {
		panic(err)
	}
	return &recorder{lines: json.NewEncoder(file)}
})

// Recorded returns handler, which serves h. If [TranscriptVariable] is set, the handler
// writes each exchange to a file in that folder: the tests of package reference/proof
// hold the OpenAPI document of h against them.
func Recorded(h *tokenendpoint.Handler, handler http.Handler) http.Handler {
	r := transcript()
	if r == nil {
		return handler
	}
	return http.HandlerFunc(func(w http.ResponseWriter, hr *http.Request) { r.serve(h.Describe(), handler, w, hr) })
}

type recorder struct {
	mu    sync.Mutex
	lines *json.Encoder
}

func (r *recorder) serve(d tokenendpoint.Description, handler http.Handler, w http.ResponseWriter, hr *http.Request) {
	x := &Exchange{Endpoint: d, Method: hr.Method, Path: hr.URL.Path, Header: hr.Header.Clone()}
	var body bytes.Buffer
	hr.Body = struct {
		io.Reader
		io.Closer
	}{io.TeeReader(hr.Body, &body), hr.Body}
	defer func() {
		x.Body = body.Bytes()
		r.mu.Lock()
		defer r.mu.Unlock()
		if err := r.lines.Encode(x); err != nil {
			panic(err)
		}
	}()
	handler.ServeHTTP(&recordedWriter{w, x}, hr)
}

// recordedWriter keeps a copy of an answer.
type recordedWriter struct {
	http.ResponseWriter
	x *Exchange
}

// Unwrap lets the endpoint set deadlines.
func (w *recordedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// WriteHeader notes the status and the header.
func (w *recordedWriter) WriteHeader(status int) {
	w.x.Status, w.x.Answer = status, w.Header().Clone()
	w.ResponseWriter.WriteHeader(status)
}

// Write notes the body.
func (w *recordedWriter) Write(b []byte) (int, error) {
	if w.x.Status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	w.x.Content = append(w.x.Content, b...)
	return w.ResponseWriter.Write(b)
}
