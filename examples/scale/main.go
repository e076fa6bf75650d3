// Command scale reckons what a number of tokens a second needs, and simulates families
// that are spread over several databases of which one is lost. Its README has the
// figures and where they come from.
package main

import (
	"context"
	"fmt"
	"os"
)

func main() {
	perCore(os.Stdout)
	fmt.Println()
	reckon(os.Stdout, 10, 1000, 100_000)
	fmt.Println()
	if err := simulate(context.Background(), os.Stdout, 4, 1000); err != nil {
		fmt.Fprintln(os.Stderr, "scale:", err)
		os.Exit(1)
	}
}
