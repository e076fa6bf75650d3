package tokenendpoint_test

import (
	"testing"

	"github.com/contit/oauth/storage/memory"
	"github.com/contit/oauth/storage/storagetest"
	"github.com/contit/oauth/tokenendpoint/endpointtest"
)

func openMemory(testing.TB) storagetest.Store { return new(memory.Store) }

func TestSPEC(t *testing.T) { endpointtest.Run(t, openMemory) }

func TestSPECTimed(t *testing.T) { endpointtest.RunTimed(t, openMemory) }
