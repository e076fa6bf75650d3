package main

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// completeCommand is the command that the scripts of the shells call. It never asks the database.
const completeCommand = "__complete"

// The scripts hand over the words so far, with the one that is being typed at the end.
var scripts = map[string]string{
	"bash": `_oauthctl() {
	local IFS=$'\n'
	COMPREPLY=($(compgen -W "$(oauthctl __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)" -- "${COMP_WORDS[COMP_CWORD]}"))
}
complete -F _oauthctl oauthctl
`,
	"zsh": `#compdef oauthctl
_oauthctl() {
	local -a words_
	words_=(${(f)"$(oauthctl __complete "${(@)words[2,CURRENT]}" 2>/dev/null)"})
	compadd -a words_
}
compdef _oauthctl oauthctl
`,
	"fish": `complete -c oauthctl -f -a '(oauthctl __complete (commandline -opc)[2..-1] (commandline -ct) 2>/dev/null)'
`,
}

func completion() *command {
	return &command{
		name:    "completion",
		args:    []string{"SHELL"},
		about:   "Print what makes bash, zsh or fish complete commands and flags.",
		example: "source <(oauthctl completion bash)\n$ oauthctl completion fish > ~/.config/fish/completions/oauthctl.fish",
		plain:   true,
		run: func(_ context.Context, c *call) error {
			script, ok := scripts[c.args[0]]
			if !ok {
				return usage("there is a completion for bash, zsh and fish, and none for %q", c.args[0])
			}
			_, err := fmt.Fprint(c.out, script)
			return err
		},
	}
}

// complete returns the words that may stand in the place of the last one.
func complete(all []*command, typed []string) []string {
	if len(typed) == 0 {
		typed = []string{""}
	}
	before, last := typed[:len(typed)-1], typed[len(typed)-1]
	var words []string
	for _, c := range all { // the next word of a name
		name := strings.Fields(c.name)
		if len(name) > len(before) && slices.Equal(name[:len(before)], before) {
			words = append(words, name[len(before)])
		}
	}
	if c, _ := longest(all, before); c != nil {
		c.flagSet(new(call)).VisitAll(func(f *flag.Flag) { words = append(words, "--"+f.Name) })
		if c.name == "completion" {
			words = append(words, slices.Collect(maps.Keys(scripts))...)
		}
	}
	words = slices.DeleteFunc(words, func(w string) bool { return !strings.HasPrefix(w, last) })
	slices.Sort(words)
	return slices.Compact(words)
}
