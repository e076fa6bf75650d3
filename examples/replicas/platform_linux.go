package main

import "syscall"

// orphan makes the kernel send the process a signal when the supervisor dies.
func orphan(attr *syscall.SysProcAttr, s syscall.Signal) { attr.Pdeathsig = s }
