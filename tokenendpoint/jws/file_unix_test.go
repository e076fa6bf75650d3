//go:build unix

package jws_test

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/contit/oauth/tokenendpoint/jws"
)

func TestPipeIsNotWaitedFor(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := keysAt(t, path).Keys(t.Context(), jws.Rotation{}, start)
	if err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("Keys of a pipe = %v, want an error", err)
	}
}
