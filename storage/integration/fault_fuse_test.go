package integration_test

import (
	"context"
	"crypto"
	"io"
	"net/http"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/contit/oauth/storage"
)

// fuse kills its process at a point, as kill -9 does: nothing is flushed,
// closed or answered.
type fuse struct{ point atomic.Value }

func (f *fuse) lay(point string) { f.point.Store(point) }

func (f *fuse) pass(point string) {
	if f.point.Load() != point {
		return
	}
	_ = sendSignal(os.Getpid(), syscall.SIGKILL)
	select {} // it takes a moment
}

// around passes a point before and one after f.
func around[T any](fuse *fuse, name string, f func() (T, error)) (T, error) {
	fuse.pass("before " + name)
	result, err := f()
	fuse.pass("after " + name)
	return result, err
}

// fused is a store whose calls pass the fuse.
type fused struct {
	storage.Storage
	fuse *fuse
}

func (s *fused) Client(ctx context.Context, id string) (*storage.Client, error) {
	return around(s.fuse, "client", func() (*storage.Client, error) { return s.Storage.Client(ctx, id) })
}

func (s *fused) Credential(ctx context.Context, d storage.Digest) (*storage.Credential, error) {
	return around(s.fuse, "credential", func() (*storage.Credential, error) { return s.Storage.Credential(ctx, d) })
}

func (s *fused) APIKey(ctx context.Context, d storage.Digest) (*storage.APIKey, error) {
	return around(s.fuse, "api key", func() (*storage.APIKey, error) { return s.Storage.APIKey(ctx, d) })
}

func (s *fused) CreateCredential(ctx context.Context, c *storage.Credential) error {
	_, err := around(s.fuse, "create", func() (any, error) { return nil, s.Storage.CreateCredential(ctx, c) })
	return err
}

func (s *fused) Spend(ctx context.Context, old, next *storage.Credential, at time.Time) error {
	_, err := around(s.fuse, "spend", func() (any, error) { return nil, s.Storage.Spend(ctx, old, next, at) })
	return err
}

// fusedSigner is a key in, say, a KMS, whose signatures pass the fuse.
type fusedSigner struct {
	crypto.Signer
	fuse *fuse
}

func (s fusedSigner) Sign(random io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	return around(s.fuse, "sign", func() ([]byte, error) { return s.Signer.Sign(random, digest, opts) })
}

// answering passes the fuse when the answer is about to be written.
func (f *fuse) answering(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(&fusedWriter{w, f}, r)
	})
}

type fusedWriter struct {
	http.ResponseWriter
	fuse *fuse
}

func (w *fusedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *fusedWriter) WriteHeader(status int) {
	w.fuse.pass("before answer")
	w.ResponseWriter.WriteHeader(status)
}
