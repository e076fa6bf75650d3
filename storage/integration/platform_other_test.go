//go:build !linux

package integration_test

import "syscall"

// orphan does nothing here: servers survive a test that is killed.
func orphan(*syscall.SysProcAttr, syscall.Signal) {}
