# SPDX-License-Identifier: GPL-2.0-only
# Everything starts here; each target does its own set-up. `make help` lists them.
#
# The C of one image, in the order in which its rooms may use each other (design: a room uses only
# what stands left of it): hyp/el2 shadow nested hyp/host.

CROSS_COMPILE ?= aarch64-linux-gnu-
ifeq ($(origin CC),default)
CC            := $(CROSS_COMPILE)gcc
endif
LD            := $(CROSS_COMPILE)ld
OBJCOPY       := $(CROSS_COMPILE)objcopy
# B=DIRECTORY builds elsewhere; what was fetched stays in build/deb. CHECK=1 is the checking build, see check.h.
CHECK         ?= 0
# PAUTH=1 is L0 with signed return addresses and landing pads, see pauth.h.
PAUTH         ?= 0
B             := build$(if $(filter 1,$(CHECK)),/check)$(if $(filter 1,$(PAUTH)),/pauth)
DEB           := build/deb
SETUP         := build/.setup

# Target of clang; gcc has its target built in and calls its own helpers for atomics unless told not to.
ifneq ($(findstring clang,$(CC)),)
CC_TARGET     := --target=aarch64-linux-gnu
else
CC_TARGET     :=
endif

V             ?= 0
ifeq ($(V),0)
Q             := @
say            = @printf '  %-7s %s\n' '$(1)' '$(2)'
MAKEFLAGS     += --no-print-directory
.SILENT:
else
Q             :=
say            = @:
endif

.DELETE_ON_ERROR:
.SUFFIXES:
.PHONY: all l0 guests plugin run bench papers test test-long mutants fuzz-host coverage lint gdb setup format features matrix print-flags clean distclean help FORCE

all: l0 guests plugin

# ---------------------------------------------------------------- flags

ARCH_FLAGS := $(CC_TARGET) -march=armv8-a -mgeneral-regs-only -mstrict-align -mno-outline-atomics \
	      -mcmodel=small -fno-pic -fno-pie
CPPFLAGS   := -Ihyp/include -Ihyp -I. -I$(B)/generated -isystem $(DEB)/libfdt/usr/include \
	      $(if $(filter 1,$(CHECK)),-DCONFIG_CHECK) $(if $(filter 1,$(PAUTH)),-DCONFIG_PAUTH)
BRANCHES   := $(if $(filter 1,$(PAUTH)),-mbranch-protection=standard)
CFLAGS     := -std=gnu11 -O2 -g -ffreestanding -nostdlib $(ARCH_FLAGS) $(BRANCHES) \
	      -fstack-protector-strong -fomit-frame-pointer -fno-strict-aliasing -fno-common -fno-asynchronous-unwind-tables \
	      -Wall -Wextra -Werror -Wshadow -Wmissing-prototypes
ASFLAGS    := -g $(ARCH_FLAGS) -D__ASSEMBLY__ -D__ASSEMBLER__=1 -Wall -Werror
LDFLAGS    := -nostdlib -static --build-id=none --no-undefined -z max-page-size=4096 \
	      -z noexecstack --no-warn-rwx-segments

# ---------------------------------------------------------------- L0

ROOMS    := hyp/el2 shadow nested hyp/host
OFFSETS  := hyp/el2/asm-offsets.c
LDS      := $(firstword $(wildcard hyp/el2/vel2.lds.S hyp/el2/vel2.lds))
# What only the checking build has.
CHECKS   := $(if $(filter 1,$(CHECK)),,%/check.c)
SRCS     := $(sort $(filter-out $(OFFSETS) $(CHECKS) %.lds.S,\
	    $(wildcard $(foreach r,$(ROOMS),$(r)/*.c $(r)/*.S))))
OBJS     := $(patsubst %,$(B)/%.o,$(SRCS))
LIBFDT   := $(DEB)/libfdt/usr/lib/aarch64-linux-gnu/libfdt.a
OFFSET_H := $(B)/generated/asm-offsets.h

l0: $(B)/vel2.bin

$(B)/vel2.bin: $(B)/vel2.elf
	$(call say,OBJCOPY,$@)
	$(Q)$(OBJCOPY) -O binary $< $@

$(B)/vel2.elf: $(OBJS) $(LIBFDT) $(B)/hyp/vel2.lds $(B)/.objs
	$(call say,LD,$@)
	$(Q)$(LD) $(LDFLAGS) -Map $(B)/vel2.map -T $(B)/hyp/vel2.lds -o $@ $(OBJS) $(LIBFDT)

# The preprocessed linker script; a plain vel2.lds goes through the preprocessor just as well.
$(B)/hyp/vel2.lds: $(LDS) $(B)/.flags | $(OFFSET_H)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CC_TARGET) -E -P -x assembler-with-cpp $(CPPFLAGS) -D__ASSEMBLY__ -MMD -MP -MT $@ \
		-MF $@.d -o $@ $(LDS)

$(B)/%.c.o: %.c $(B)/.flags | $(OFFSET_H)
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(B)/%.S.o: %.S $(B)/.flags | $(OFFSET_H)
	@mkdir -p $(@D)
	$(call say,AS,$<)
	$(Q)$(CC) $(CPPFLAGS) $(ASFLAGS) -MMD -MP -c -o $@ $<

# Structure offsets for assembly: compiled, never run. The compiler leaves `.ascii "->NAME value"`
# lines in its output (kernel's kbuild has the idea); the header changes only when a value does.
$(B)/generated/asm-offsets.s: $(OFFSETS) $(B)/.flags | $(LIBFDT)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -DGENERATING_ASM_OFFSETS -MMD -MP -MT $@ -MF $@.d -S -o $@ $<

$(OFFSET_H): $(B)/generated/asm-offsets.s
	$(Q){ echo '/* Generated from $(OFFSETS): do not edit. */'; \
	  sed -n 's/^[[:space:]]*\.ascii[[:space:]]*"->\([A-Za-z0-9_]*\) [#$$]*\([-0-9]*\).*/#define \1 \2/p' $<; \
	} > $@.tmp
	$(Q)if cmp -s $@.tmp $@; then rm $@.tmp; else mv $@.tmp $@; fi

# Rebuild when the compiler or its flags change, relink when a source file comes or goes.
$(B)/.flags: FORCE | $(SETUP)
	@mkdir -p $(@D)
	@printf '%s\n' '$(CC) $(CPPFLAGS) $(CFLAGS) $(ASFLAGS) $(LDFLAGS)' | cmp -s - $@ || \
		printf '%s\n' '$(CC) $(CPPFLAGS) $(CFLAGS) $(ASFLAGS) $(LDFLAGS)' > $@

$(B)/.objs: FORCE
	@mkdir -p $(@D)
	@printf '%s\n' '$(OBJS)' | cmp -s - $@ || printf '%s\n' '$(OBJS)' > $@

FORCE:

-include $(OBJS:.o=.d) $(B)/generated/asm-offsets.s.d $(B)/hyp/vel2.lds.d

# ---------------------------------------------------------------- what the host must have

$(SETUP): harness/vel2lib/packages.txt
	$(Q)sh harness/bootstrap setup

$(LIBFDT): | $(SETUP)
	$(call say,FETCH,libfdt for arm64)
	$(Q)/usr/bin/python3 harness/vel2lib/debian.py libfdt-dev $(DEB)/libfdt

# ---------------------------------------------------------------- QEMU's plugins, for this machine

plugin: $(B)/count.so $(B)/coverage.so

$(B)/%.so: harness/plugin/%.c harness/plugin/qemu-api.h | $(SETUP)
	@mkdir -p $(@D)
	$(call say,HOSTCC,$<)
	$(Q)gcc -std=gnu11 -O2 -Wall -Wextra -Werror -shared -fPIC -o $@ $<

# ---------------------------------------------------------------- guests

-include guest-tests/Makefile.inc

# A program for Linux guests: the VMM of harness/payload.
guests: $(B)/guests/vmm

$(B)/guests/vmm: harness/payload/vmm.c | $(LIBFDT)
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CROSS_COMPILE)gcc -std=gnu11 -O2 -Wall -Wextra -Werror -static -I$(DEB)/libfdt/usr/include -o $@ $< $(LIBFDT)

# ---------------------------------------------------------------- commands

# make run [L1=linux|NAME|PATH] [HOST=vhe|nvhe] [MECH=nv2|nv|pv] [L1_MODE=vhe|nvhe] [SMP=N] [ARGS='...']
RUN_ARGS := $(if $(L1),--l1 $(L1)) $(if $(HOST),--host $(HOST)) $(if $(MECH),--mech $(MECH)) \
	    $(if $(L1_MODE),--l1-mode $(L1_MODE)) $(if $(SMP),--smp $(SMP)) $(if $(MEM),--mem $(MEM)) \
	    $(if $(TIMEOUT),--timeout $(TIMEOUT)) $(ARGS)

run bench papers gdb test test-long lint: $(SETUP)
run:
	$(Q)harness/vel2 run $(RUN_ARGS)

bench:
	$(Q)harness/vel2 bench $(ARGS)

# The experiments of papers/. Fails when a table that was there is not what comes out.
papers:
	$(Q)harness/vel2 papers $(ARGS)

gdb:
	$(Q)harness/vel2 gdb $(RUN_ARGS)

test:
	$(Q)harness/vel2 test $(ARGS)

# The matrix: every kind of L1 in every mode.
test-long:
	$(Q)harness/vel2 test -- -m long $(ARGS)

# Deliberate faults in L0, each of which some test must catch. ARGS='NAME...' tries these alone.
mutants: $(SETUP)
	$(Q)cd harness && /usr/bin/python3 -m vel2lib.mutants $(ARGS)

# Lines and branches of L0 that the tests execute. ARGS='--of units'.
coverage: $(SETUP)
	$(Q)harness/vel2 coverage $(ARGS)

# The pure parts of L0 under libFuzzer. ARGS='TARGET... --runs N'.
fuzz-host: $(SETUP)
	$(Q)harness/vel2 fuzz-host $(ARGS)

lint:
	$(Q)harness/lint $(ARGS)

format:
	$(Q)harness/lint --fix

# The table of CPU features in README.md, from hyp/features.def.
features: $(SETUP)
	$(Q)cd harness && /usr/bin/python3 -m vel2lib.features --write

# The table of the matrix in README.md, from what `make test-long` found.
matrix: $(SETUP)
	$(Q)cd harness && /usr/bin/python3 -m vel2lib.matrix --write

# For the lint check that compiles each header alone.
print-flags:
	@echo '$(CPPFLAGS) $(CFLAGS)'

setup:
	$(Q)sh harness/bootstrap setup

clean:
	$(Q)rm -rf $(B)/hyp $(B)/shadow $(B)/nested $(B)/generated $(B)/guests $(B)/guest-tests $(B)/unit \
		$(B)/vel2.* $(B)/.flags $(B)/.objs

distclean:
	$(Q)rm -rf $(B)

help:
	@echo 'make run            boot the bundled L1 and its L2 under vel2, count its traps (L1=linux: Debian)'
	@echo 'make test           lint and the whole suite'
	@echo 'make test-long      the matrix of L1s: Linux, Xen, firmware, vel2, in every mode'
	@echo 'make mutants        put faults into L0, one by one: does the suite catch them?'
	@echo 'make fuzz-host      the pure parts of L0 under sanitizers and libFuzzer'
	@echo 'make coverage       which lines and branches of L0 the tests execute'
	@echo 'make bench          the operations of the README, measured under icount'
	@echo 'make papers         measure what the papers in papers/ measured, and compare'
	@echo 'make gdb            the machine, halted, under gdb with the symbols of every level'
	@echo 'make lint           formatting, layering, headers, mypy, shellcheck'
	@echo 'make l0 guests      build only'
	@echo 'make features       write the table of CPU features of README.md anew'
	@echo 'make matrix         the same for the table of what make test-long found'
	@echo 'make setup          install what is missing (as root), or print how'
	@echo 'make clean          remove what was built; distclean: also what was fetched'
	@echo 'Variables: L1 HOST MECH L1_MODE SMP MEM TIMEOUT ARGS, V=1, CC=clang, CROSS_COMPILE'
