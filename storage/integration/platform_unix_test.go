//go:build unix

package integration_test

import "syscall"

const (
	freeze = syscall.SIGSTOP
	thaw   = syscall.SIGCONT
)

// runAs makes a process run as another user, if there is one.
func runAs(attr *syscall.SysProcAttr, a *account) {
	if a != nil {
		attr.Credential = &syscall.Credential{Uid: uint32(a.uid), Gid: uint32(a.gid)}
	}
}

func sendSignal(pid int, s syscall.Signal) error { return syscall.Kill(pid, s) }
