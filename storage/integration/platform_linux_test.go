package integration_test

import "syscall"

// orphan lets a process get a signal when this one dies without a word.
func orphan(attr *syscall.SysProcAttr, s syscall.Signal) { attr.Pdeathsig = s }
