package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestComplete(t *testing.T) {
	for _, test := range []struct{ typed, want string }{
		{"", "apikey client completion doctor family key migrate sweep"},
		{"cl", "client"},
		{"client ", "create disable enable list secret show"},
		{"client s", "secret show"},
		{"client secret ", "add expire"},
		{"client list --", "--json"},
		{"client secret expire a b --", "--at --yes"},
		{"completion ", "bash fish zsh"},
		{"nothing ", ""},
	} {
		if got := strings.Join(complete(commands(), strings.Split(test.typed, " ")), " "); got != test.want {
			t.Errorf("complete(%q): got %q, want %q", test.typed, got, test.want)
		}
	}
}

// Each shell loads its script, and completes as it does when Tab is pressed.
func TestShellsComplete(t *testing.T) {
	for shell, script := range map[string]string{
		"bash": `source <(oauthctl completion bash); COMP_WORDS=(oauthctl client s); COMP_CWORD=2; _oauthctl; printf '%s\n' "${COMPREPLY[@]}"`,
		// zsh completes only at a terminal; compadd is what it would call.
		"zsh":  `compdef() { :; }; compadd() { shift; print -l ${(P)1}; }; source <(oauthctl completion zsh); words=(oauthctl client s); CURRENT=3; _oauthctl`,
		"fish": `oauthctl completion fish | source; complete -C 'oauthctl client s'`,
	} {
		t.Run(shell, func(t *testing.T) {
			path, err := exec.LookPath(shell)
			if err != nil {
				t.Skipf("NOT TESTED: needs %s: install the package %s", shell, shell)
			}
			c := exec.CommandContext(t.Context(), path, "-c", script)
			c.Env = append(os.Environ(), "PATH="+filepath.Dir(binary)+":"+os.Getenv("PATH"), "HOME="+t.TempDir())
			out, err := c.CombinedOutput()
			if got := strings.Fields(string(out)); err != nil || !slices.Equal(got, []string{"secret", "show"}) {
				t.Errorf("client s: got %q and error %v, want secret and show", out, err)
			}
		})
	}
}
