//go:build !unix

package integration_test

import (
	"os"
	"syscall"
)

// No process can be frozen here. The tests that do so need servers that are
// looked for where Debian puts them, and are skipped.
const freeze, thaw = syscall.Signal(0), syscall.Signal(0)

func runAs(*syscall.SysProcAttr, *account) {}

// sendSignal ends the process, for every signal.
func sendSignal(pid int, _ syscall.Signal) error {
	p, err := os.FindProcess(pid)
	if err != nil {
		return err
	}
	return p.Kill()
}
