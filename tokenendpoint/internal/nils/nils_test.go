package nils_test

import (
	"net/http"
	"testing"

	"github.com/contit/oauth/tokenendpoint/internal/nils"
)

func TestIs(t *testing.T) {
	for _, tt := range []struct {
		name string
		v    any
		want bool
	}{
		{"nothing", nil, true},
		{"a nil pointer", (*http.Server)(nil), true},
		{"a nil function", http.HandlerFunc(nil), true},
		{"a nil map", http.Header(nil), true},
		{"a pointer", new(http.Server), false},
		{"a struct", http.Server{}, false},
	} {
		if got := nils.Is(tt.v); got != tt.want {
			t.Errorf("%s: got %t, want %t", tt.name, got, tt.want)
		}
	}
}
