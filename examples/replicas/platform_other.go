//go:build unix && !linux

package main

import "syscall"

// orphan does nothing here: HAProxy survives a supervisor that is killed.
func orphan(*syscall.SysProcAttr, syscall.Signal) {}
