#include <stddef.h>

long contit_probe_live(void);
long contit_probe_spills(void);
void contit_probe_watch(const unsigned char *patterns, int count);
void contit_probe_fail(long after);
int contit_probe_pending(void);
void contit_probe_raise(void);
