package main

import (
	"errors"
	"fmt"
)

// The exit codes, which the help and README.md list.
const (
	exitDone     = 0
	exitFailed   = 1 // the database does not answer, or another fault
	exitUsage    = 2 // the command line or the environment is wrong; nothing was done
	exitNotFound = 3
	exitExists   = 4
	exitRefused  = 5 // somebody said no, or nobody could be asked; nothing was done
	exitFindings = 6 // doctor found an error
)

const exitCodes = `Exit codes:
  0  done
  1  the database does not answer, or another fault
  2  the command line or the environment is wrong; nothing was done
  3  there is no such client, secret, API key or family; nothing was done
  4  there is one already; nothing was done
  5  the question was not answered with yes; nothing was done
  6  doctor found an error
`

// verdict is an error with an exit code of its own. Its text names the remedy.
type verdict struct {
	code int
	text string
}

// Error returns the text.
func (v verdict) Error() string { return v.text }

func usage(format string, args ...any) error {
	return verdict{exitUsage, fmt.Sprintf(format, args...)}
}

func notFound(format string, args ...any) error {
	return verdict{exitNotFound, fmt.Sprintf(format, args...)}
}

func exists(format string, args ...any) error {
	return verdict{exitExists, fmt.Sprintf(format, args...)}
}

func refused(format string, args ...any) error {
	return verdict{exitRefused, fmt.Sprintf(format, args...)}
}

func exitCode(err error) int {
	if v, ok := errors.AsType[verdict](err); ok {
		return v.code
	}
	return exitFailed
}
