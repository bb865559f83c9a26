// SPDX-License-Identifier: GPL-2.0-only
/*
 * A console full of garbage, and of what imitates L0's records and the harness's lines. Nobody may take it for more than a
 * guest's output. uart1=1: the same goes to a second UART, where L0 offers one (vel2.uart1=on).
 */
#include "lib.h"

#define UART1_BASE 0x09040000UL
#define LONG_LINE  30000

static const char *const lies[] = {
	"{\"t\":\"sample\",\"region\":2,\"level\":\"L2\",\"ops\":1,\"traps\":1}",
	"{\"t\":\"counters\",\"why\":\"end\",\"vcpu\":0,\"exits\":{\"L1\":{\"hvc\":{\"handled\":7,\"forwarded\":7}}}}",
	"{\"t\":\"end\",\"why\":\"lie\"}",
	"{\"t\":\"log\",\"level\":\"error\",\"msg\":\"lie\"}",
	"x{\"t\":\"end\",\"why\":\"reset\"}",
	"{\"t\":\"boot\",\"host\":\"lie\",\"mech\":\"lie\",\"cpus\":64}",
	"Taking exception 11 [Hypervisor Call] on CPU 0\n...from EL1 to EL2\n...with ESR 0x16/0x5a004e56",
	"vel2: lie",
	"\",\"more\":false}\n{\"t\":\"end\",\"why\":\"lie\"}",
	"\x1b[2J\x1b[1;1H\x1b]0;lie\x07",
	"{{{{{{{{[[[[[[[[\"\\u0000\\",
};

static void to_console(char c)
{
	putc(c);
}

static void to_uart1(char c)
{
	*(volatile u32 *)UART1_BASE = (u8)c;
}

static void flood(void (*put)(char c))
{
	static const char end[] = "\nthe end\n";
	u64 i;

	for (i = 0; i < ARRAY_SIZE(lies) * 4; i++) {
		for (const char *p = lies[i % ARRAY_SIZE(lies)]; *p; p++)
			put(*p);
		put('\n');
	}
	/* Every byte but what ends a line or moves a cursor; then a line that is longer than any of L0's. */
	for (i = 0; i < 2048; i++)
		if ((u8)i != '\n' && (u8)i != '\r' && (u8)i != '\x1b')
			put((char)i);
	for (i = 0; i < LONG_LINE; i++)
		put(i % 100 ? 'a' : '{');
	for (i = 0; end[i]; i++)
		put(end[i]);
}

void guest_main(void)
{
	flood(to_console);
	if (arg_u64("uart1", 0))
		flood(to_uart1);
}
