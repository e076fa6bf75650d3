package main

import (
	"bufio"
	"fmt"
	"strings"
)

// ask asks a person before something ends, and returns an error unless the answer is
// yes. The sentence names the consequence.
func (c *call) ask(format string, args ...any) error {
	sentence := fmt.Sprintf(format, args...)
	switch {
	case c.yes:
		return nil
	case !c.terminal:
		return refused("nothing was done, since nobody can be asked: stdin is no terminal. Add --yes if you want this: %s", sentence)
	}
	fmt.Fprintf(c.notes, "%s Go on? [y/N] ", sentence)
	answer, _ := bufio.NewReader(c.in).ReadString('\n') // an answer that breaks off is no yes
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return nil
	}
	return refused("nothing was done")
}
