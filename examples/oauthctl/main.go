// Command oauthctl manages the clients, API keys, signing keys and families of a host
// that keeps them with sqlstore. See README.md.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/mattn/go-isatty"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], surroundings{
		in:       os.Stdin,
		out:      os.Stdout,
		notes:    os.Stderr,
		terminal: isatty.IsTerminal(os.Stdin.Fd()) || isatty.IsCygwinTerminal(os.Stdin.Fd()),
		getenv:   os.Getenv,
		now:      time.Now(),
	}))
}

// surroundings are the process's inputs from its caller.
type surroundings struct {
	in       io.Reader
	out      io.Writer // results and secrets, and nothing else
	notes    io.Writer // for people: questions, progress, errors
	terminal bool      // whether in is a terminal, so that somebody can answer
	getenv   func(string) string
	now      time.Time
}

// run executes one command, and returns the exit code.
func run(ctx context.Context, args []string, s surroundings) int {
	all := commands()
	if len(args) > 0 && args[0] == completeCommand {
		for _, word := range complete(all, args[1:]) {
			fmt.Fprintln(s.out, word)
		}
		return exitDone
	}
	c, rest, err := find(all, args)
	var help helpWanted
	switch {
	case errors.As(err, &help):
		fmt.Fprint(s.out, string(help))
		return exitDone
	case err == nil:
		err = c.execute(ctx, rest, s)
	}
	if err == nil {
		return exitDone
	}
	fmt.Fprintln(s.notes, "oauthctl: "+strings.ReplaceAll(err.Error(), "\n", "\n  "))
	return exitCode(err)
}

// commands are all commands, in the order of the help.
func commands() []*command {
	return []*command{
		migrate(),
		clientCreate(), clientList(), clientShow(), clientDisable(), clientEnable(), secretAdd(), secretExpire(),
		apikeyCreate(), apikeyList(), apikeyRoll(), apikeyRevoke(),
		keyList(), keyRotate(), encryptionKey(),
		familyList(), familyEnd(),
		sweep(),
		doctor(),
		completion(),
	}
}
