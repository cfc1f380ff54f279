#include "backoff.h"

#define RETRY_FIRST_MS 200
#define RETRY_LIMIT_MS 30000
#define REJECT_FIRST_MS 5000
#define REJECT_LIMIT_MS 60000

/* Marsaglia's xorshift: the jitter needs to differ, not to be unpredictable. */
static uint64_t
next_random(uint64_t *state)
{
	uint64_t x = *state;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	*state = x;
	return x;
}

void
backoff_init(Backoff *backoff, uint64_t seed)
{
	backoff->class = FAILURE_NONE;
	backoff->tries = 0;
	backoff->random = seed * UINT64_C(0x9E3779B97F4A7C15) + UINT64_C(0xD1B54A32D192ED03);
	if (backoff->random == 0) /* xorshift never leaves zero */
		backoff->random = 1;
}

void
backoff_reset(Backoff *backoff)
{
	backoff->class = FAILURE_NONE;
	backoff->tries = 0;
}

int
backoff_next(Backoff *backoff, FailureClass class)
{
	int64_t wait = class == FAILURE_RETRY ? RETRY_FIRST_MS : REJECT_FIRST_MS;
	int64_t limit = class == FAILURE_RETRY ? RETRY_LIMIT_MS : REJECT_LIMIT_MS;

	if (class != backoff->class)
	{
		backoff->class = class;
		backoff->tries = 0;
	}
	for (unsigned i = 0; i < backoff->tries && wait < limit; i++)
		wait *= 2;
	if (wait > limit)
		wait = limit;
	backoff->tries++;
	return (int) (wait - (int64_t) (next_random(&backoff->random) % (uint64_t) (wait / 5 + 1)));
}
