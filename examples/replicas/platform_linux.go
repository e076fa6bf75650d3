package main

import "syscall"

// orphan lets a process get a signal when the supervisor dies without a word.
func orphan(attr *syscall.SysProcAttr, s syscall.Signal) { attr.Pdeathsig = s }
