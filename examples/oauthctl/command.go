package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
)

// command is one of the things that the program does.
type command struct {
	name    string   // of one word or more, such as "client create"
	args    []string // the names of its arguments
	about   string   // a sentence
	more    string   // further sentences of its help, if any
	example string   // a command line and its purpose
	asks    bool     // it asks before it acts, and so has --yes
	plain   bool     // it has no --json
	flags   func(f *flag.FlagSet)
	run     func(ctx context.Context, c *call) error
}

// call is one execution of a command.
type call struct {
	surroundings
	args   []string
	json   bool
	yes    bool
	secret []string // texts that no message may show
}

// helpWanted is the text of a help that was asked for.
type helpWanted string

// Error is never shown.
func (helpWanted) Error() string { return "help" }

// find returns the command that args begin with, and the rest of args.
func find(all []*command, args []string) (*command, []string, error) {
	if len(args) == 0 || isHelp(args[0]) {
		words := slices.DeleteFunc(slices.Clone(args), isHelp)
		if c, _ := longest(all, words); c != nil { // oauthctl help client create
			return nil, nil, helpWanted(c.help())
		}
		return nil, nil, helpWanted(overview(all, ""))
	}
	c, n := longest(all, args)
	if c != nil {
		return c, args[n:], nil
	}
	noun := args[0]
	if text := overview(all, noun+" "); text != "" {
		if len(args) == 1 || isHelp(args[1]) {
			return nil, nil, helpWanted(text)
		}
		return nil, nil, usage("there is no command %q. 'oauthctl %s --help' lists what there is", noun+" "+args[1], noun)
	}
	return nil, nil, usage("there is no command %q. 'oauthctl --help' lists the commands", noun)
}

func isHelp(word string) bool {
	return slices.Contains([]string{"help", "-h", "-help", "--help"}, word)
}

// longest returns the command with the most words that words begin with.
func longest(all []*command, words []string) (found *command, length int) {
	for _, c := range all {
		n := len(strings.Fields(c.name))
		if n > length && n <= len(words) && strings.Join(words[:n], " ") == c.name {
			found, length = c, n
		}
	}
	return found, length
}

func (c *command) execute(ctx context.Context, words []string, s surroundings) error {
	call := &call{surroundings: s}
	f := c.flagSet(call)
	var err error
	if call.args, err = parse(f, words); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			fmt.Fprint(s.out, c.help())
			return nil
		}
		return usage("%v. 'oauthctl %s --help' shows the flags", err, c.name)
	}
	switch {
	case len(call.args) < len(c.args):
		return usage("%s is missing: oauthctl %s", c.args[len(call.args)], c.usage())
	case len(call.args) > len(c.args):
		return usage("%q is one argument too many: oauthctl %s", call.args[len(c.args)], c.usage())
	}
	if i := slices.Index(call.args, ""); i >= 0 {
		return usage("%s is empty: oauthctl %s", c.args[i], c.usage())
	}
	err = c.run(ctx, call)
	if err != nil && ctx.Err() != nil {
		return errors.New("interrupted; the command keeps the changes that it has made")
	}
	return call.hide(err)
}

func (c *command) flagSet(to *call) *flag.FlagSet {
	f := flag.NewFlagSet(c.name, flag.ContinueOnError)
	f.SetOutput(io.Discard) // the messages are ours
	f.Usage = func() {}
	if c.flags != nil {
		c.flags(f)
	}
	if !c.plain {
		f.BoolVar(&to.json, "json", false, "print JSON instead of a table")
	}
	if c.asks {
		f.BoolVar(&to.yes, "yes", false, "do not ask")
	}
	return f
}

// parse reads flags before, between and after the arguments. After -- there are only
// arguments.
func parse(f *flag.FlagSet, words []string) (args []string, err error) {
	for {
		if err := f.Parse(words); err != nil {
			return nil, err
		}
		rest := f.Args()
		if len(rest) == 0 {
			return args, nil
		}
		if done := len(words) - len(rest); done > 0 && words[done-1] == "--" {
			return append(args, rest...), nil
		}
		args, words = append(args, rest[0]), rest[1:]
	}
}

func (c *command) usage() string {
	words := append([]string{c.name}, c.args...)
	if c.flagCount() > 0 {
		words = append(words, "[flags]")
	}
	return strings.Join(words, " ")
}

func (c *command) flagCount() (n int) {
	c.flagSet(new(call)).VisitAll(func(*flag.Flag) { n++ })
	return n
}

func (c *command) help() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", c.about)
	if c.more != "" {
		fmt.Fprintf(&b, "\n%s\n", strings.TrimSpace(c.more))
	}
	fmt.Fprintf(&b, "\nUsage:\n  oauthctl %s\n", c.usage())
	if c.flagCount() > 0 {
		b.WriteString("\nFlags:\n")
	}
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	c.flagSet(new(call)).VisitAll(func(f *flag.Flag) {
		kind, text := flag.UnquoteUsage(f)
		if kind != "" {
			kind = " " + strings.ToUpper(kind)
		}
		if f.DefValue != "" && f.DefValue != "false" && f.DefValue != "0s" {
			text += " (default " + f.DefValue + ")"
		}
		fmt.Fprintf(w, "  --%s\t%s\n", f.Name+kind, text)
	})
	w.Flush()
	fmt.Fprintf(&b, "\nExample:\n  $ %s\n", strings.ReplaceAll(c.example, "\n", "\n  "))
	return b.String()
}

// overview lists the commands whose names begin with a prefix. If there are none, it
// is empty.
func overview(all []*command, prefix string) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, c := range all {
		if strings.HasPrefix(c.name, prefix) {
			fmt.Fprintf(w, "  %s\t%s\n", c.name, c.about)
		}
	}
	w.Flush()
	if b.Len() == 0 {
		return ""
	}
	list := "Commands:\n" + b.String() + "\n'oauthctl COMMAND --help' shows the flags of a command and an example.\n"
	if prefix != "" {
		return list
	}
	return "oauthctl manages what a host keeps with sqlstore.\n\nUsage:\n  oauthctl COMMAND [arguments] [flags]\n\n" +
		list + "\n" + environment + "\n" + exitCodes
}
