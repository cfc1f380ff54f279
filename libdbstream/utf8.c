#include "utf8.h"

#include <stdint.h>
#include <string.h>

size_t
dbs_utf8_length(const char *data, size_t size)
{
	const unsigned char *p = (const unsigned char *) data;
	size_t length;
	unsigned char low = 0x80;
	unsigned char high = 0xbf;

	if (size == 0)
		return 0;
	if (p[0] < 0x80)
		return 1;
	if (p[0] < 0xc2 || p[0] > 0xf4)
		return 0;
	length = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	if (size < length)
		return 0;

	/* The second byte's range is what excludes overlong forms, surrogates and code points beyond the last. */
	switch (p[0])
	{
		case 0xe0:
			low = 0xa0;
			break;
		case 0xed:
			high = 0x9f;
			break;
		case 0xf0:
			low = 0x90;
			break;
		case 0xf4:
			high = 0x8f;
			break;
	}
	if (p[1] < low || p[1] > high)
		return 0;
	for (size_t i = 2; i < length; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	return length;
}

bool
dbs_utf8_valid(const char *data, size_t size)
{
	size_t at = 0;

	while (at < size)
	{
		size_t length;

		if (size - at >= 8)
		{
			uint64_t eight;

			memcpy(&eight, data + at, 8);
			if ((eight & UINT64_C(0x8080808080808080)) == 0)
			{
				at += 8;
				continue;
			}
		}
		length = dbs_utf8_length(data + at, size - at);
		if (length == 0)
			return false;
		at += length;
	}
	return true;
}

size_t
dbs_utf8_clip(const char *data, size_t size, size_t limit)
{
	size_t cut = limit;

	if (size <= limit)
		return size;
	while (cut > 0 && ((unsigned char) data[cut] & 0xc0) == 0x80)
		cut--;
	return cut;
}
