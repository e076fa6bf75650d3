#include <stddef.h>

long contit_probe_live(void);
long contit_probe_spills(void);
void contit_probe_watch(const unsigned char *patterns, int count);
void contit_probe_fail(long after);
void contit_probe_hold(void);
int contit_probe_holding(void);
void contit_probe_release(void);
int contit_probe_pending(void);
void contit_probe_raise(void);
