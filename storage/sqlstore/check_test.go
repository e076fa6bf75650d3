package sqlstore_test

import (
	"strings"
	"testing"

	"github.com/contit/oauth/storage/sqlstore"
)

// The settings of a node of a Galera cluster are tested here, since CI has no cluster.
func TestFaultOfSession(t *testing.T) {
	const provider = "/USR/LIB/GALERA/LIBGALERA_SMM.SO"
	for _, tt := range []struct {
		name     string
		settings map[string]string
		want     string // in the error; none if empty
	}{
		{"an ordinary server", map[string]string{"autocommit": "ON", "tx_isolation": "REPEATABLE-READ"}, ""},
		{"autocommit off", map[string]string{"autocommit": "OFF"}, "autocommit is off"},
		{"read uncommitted, of MariaDB", map[string]string{"tx_isolation": "READ-UNCOMMITTED"}, "READ UNCOMMITTED"},
		{"read uncommitted, of MySQL", map[string]string{"transaction_isolation": "READ-UNCOMMITTED"}, "READ UNCOMMITTED"},
		{"MariaDB without a cluster", map[string]string{"wsrep_on": "OFF", "wsrep_provider": "NONE", "wsrep_sync_wait": "0"}, ""},
		{"a server that knows no provider", map[string]string{"wsrep_on": "ON", "wsrep_provider": "NONE", "wsrep_sync_wait": "0"}, ""},
		{"a node that does not wait", map[string]string{"wsrep_on": "ON", "wsrep_provider": provider, "wsrep_sync_wait": "0"}, "wsrep_sync_wait=7"},
		{"a node that waits before it reads only", map[string]string{"wsrep_on": "ON", "wsrep_provider": provider, "wsrep_sync_wait": "1"}, "wsrep_sync_wait=7"},
		{"a node that does not wait before it inserts", map[string]string{"wsrep_on": "ON", "wsrep_provider": provider, "wsrep_sync_wait": "3"}, "wsrep_sync_wait=7"},
		{"a session whose writes stay on its node", map[string]string{"wsrep_on": "OFF", "wsrep_provider": provider, "wsrep_sync_wait": "7"}, "wsrep_on=ON"},
		{"a session that reads without the others", map[string]string{"wsrep_on": "ON", "wsrep_provider": provider, "wsrep_sync_wait": "7", "wsrep_dirty_reads": "ON"}, "wsrep_dirty_reads is on"},
		{"dirty reads off", map[string]string{"wsrep_on": "ON", "wsrep_provider": provider, "wsrep_sync_wait": "7", "wsrep_dirty_reads": "OFF"}, ""},
		{"dirty reads without a cluster", map[string]string{"wsrep_on": "OFF", "wsrep_provider": "NONE", "wsrep_dirty_reads": "ON"}, ""},
		{"unchecked indexes", map[string]string{"unique_checks": "OFF"}, "unique_checks is off"},
		{"a node that waits", map[string]string{"wsrep_on": "ON", "wsrep_provider": provider, "wsrep_sync_wait": "7"}, ""},
		{"a node that waits for SHOW too", map[string]string{"wsrep_on": "ON", "wsrep_provider": provider, "wsrep_sync_wait": "15"}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := sqlstore.FaultOfSession(tt.settings)
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got error %v, want one with %q", err, tt.want)
			}
		})
	}
}
