package sandbox

import (
	"fmt"
	"slices"
	"syscall"
	"unsafe"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// elastic/go-seccomp-bpf was considered: it lets a foreign architecture pass
// and compares all 64 bits of an argument, where the kernel looks at 32.

// Offsets in struct seccomp_data.
const (
	offNr   = 0
	offArch = 4
	offArgs = 16
)

// architecture is what a filter has to know of one.
type architecture struct {
	audit uint32 // AUDIT_ARCH_*
	// foreign is the first number of another ABI that shares the audit number.
	foreign uint32
	number  func(kernelCall) int
}

var (
	// archAMD64: the third ABI of amd64, x32, has numbers of its own from
	// __X32_SYSCALL_BIT on.
	archAMD64 = &architecture{unix.AUDIT_ARCH_X86_64, 0x40000000, func(c kernelCall) int { return c.amd64 }}
	archARM64 = &architecture{unix.AUDIT_ARCH_AARCH64, 0, func(c kernelCall) int { return c.arm64 }}
)

// filterMode is what differs between filters.
type filterMode struct {
	// setID lets set-id files be made: [privileges] file_ownership.
	setID bool
	// shell is the number of the process whose filter it is, when that is the
	// shell: see shellRows.
	shell uint32
	// bare is without namespaces: what they keep apart is refused. With net
	// the network is the host's.
	bare, net bool
}

func (m filterMode) rows() []seccompRow {
	var rows []seccompRow
	if m.shell != 0 { // they say more about the same calls
		rows = shellRows(m.shell)
	}
	if m.bare {
		rows = append(rows, bareRows...)
		if !m.net {
			rows = append(rows, bareSocketRows()...)
		} else {
			rows = append(rows, bareSocketRows()[4]) // of pairs
			rows = append(rows, seccompRow{callSocket, unix.EACCES, whyBareUnix, []argTest{equal(0, unix.AF_UNIX)}},
				seccompRow{callSocket, unix.EAFNOSUPPORT, whyBareNet, []argTest{other(0, unix.AF_INET), other(0, unix.AF_INET6)}},
				seccompRow{callSocket, unix.EPROTONOSUPPORT, whyBareNet, []argTest{equal(1, unix.SOCK_RAW)}})
		}
		for _, c := range attributeDenied {
			rows = append(rows, seccompRow{c, unix.EOPNOTSUPP, whyBareFile, nil})
		}
		for _, request := range attributeRequests() {
			rows = append(rows, seccompRow{callIoctl.kernelCall, unix.EOPNOTSUPP, whyBareFile, []argTest{request}})
		}
	}
	switch {
	case m.setID:
	case m.bare || m.shell != 0: // nobody is asked
		rows = append(rows, setIDRows...)
	default:
		rows = append(rows, askedSetIDRows()...)
	}
	return append(rows, seccompRows...)
}

// seccompProgram is the filter of this architecture. Those of each start come
// compiled: a session needs three, one after the other, of 0.5 ms each.
func seccompProgram(m filterMode) ([]unix.SockFilter, error) {
	switch m {
	case filterMode{}:
		return compiled(commandFilter), nil
	case filterMode{shell: m.shell}:
		prog := compiled(shellFilter)
		for i := range prog {
			if prog[i].K == anyShell {
				prog[i].K = m.shell
			}
		}
		return prog, nil
	}
	return assemble(nativeArch.program(m))
}

// anyShell stands for the shell's number in what is compiled: above all
// numbers that processes can have (PID_MAX_LIMIT, 1<<22), and no constant of
// the tables.
const anyShell = 0x7fffff5f

// compiled reads a program: instructions are struct sock_filter, as they are
// in the memory of both architectures, which are little-endian.
func compiled(text string) []unix.SockFilter {
	prog := make([]unix.SockFilter, len(text)/8)
	for i := range prog {
		at := text[8*i:]
		prog[i] = unix.SockFilter{
			Code: uint16(at[0]) | uint16(at[1])<<8, Jt: at[2], Jf: at[3],
			K: uint32(at[4]) | uint32(at[5])<<8 | uint32(at[6])<<16 | uint32(at[7])<<24,
		}
	}
	return prog
}

// program compiles the tables: a foreign architecture has no calls at all,
// then the rows, the socket rule, what is allowed, and nothing else.
func (a *architecture) program(m filterMode) []bpf.Instruction {
	prog := []bpf.Instruction{
		bpf.LoadAbsolute{Off: offArch, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: a.audit, SkipTrue: 1},
		ret(unix.ENOSYS),
		bpf.LoadAbsolute{Off: offNr, Size: 4},
	}
	if a.foreign != 0 {
		prog = append(prog,
			bpf.JumpIf{Cond: bpf.JumpGreaterOrEqual, Val: a.foreign, SkipFalse: 1},
			ret(unix.ENOSYS))
	}
	allowed := a.numbers(allowedCalls)
	if m.setID { // calls that only the rows left out name
		for _, r := range setIDRows {
			allowed = append(allowed, a.numbers([]kernelCall{r.kernelCall})...)
		}
	}
	if m.bare {
		prog = append(prog, onCall(markerCall, []bpf.Instruction{ret(markerAnswer)})...)
	}
	for rows := m.rows(); len(rows) > 0; {
		var same, rest []seccompRow
		for _, r := range rows {
			if r.name == rows[0].name {
				same = append(same, r)
			} else {
				rest = append(rest, r)
			}
		}
		prog = append(prog, a.compileCall(same)...)
		rows = rest
	}
	prog = append(prog, socketRule(uint32(a.number(callSocket)))...)
	prog = append(prog, inRanges(allowed)...)
	return append(prog, ret(unix.ENOSYS))
}

func (a *architecture) numbers(calls []kernelCall) []uint32 {
	var list []uint32
	for _, c := range calls {
		if nr := a.number(c); nr != no {
			list = append(list, uint32(nr))
		}
	}
	return list
}

// inRanges allows a list of numbers, as few ranges.
func inRanges(numbers []uint32) []bpf.Instruction {
	slices.Sort(numbers)
	var prog []bpf.Instruction
	for i := 0; i < len(numbers); {
		first, last := numbers[i], numbers[i]
		for ; i < len(numbers) && numbers[i] <= last+1; i++ {
			last = numbers[i]
		}
		prog = append(prog,
			bpf.JumpIf{Cond: bpf.JumpLessThan, Val: first, SkipTrue: 2},
			bpf.JumpIf{Cond: bpf.JumpGreaterThan, Val: last, SkipTrue: 1},
			bpf.RetConstant{Val: unix.SECCOMP_RET_ALLOW})
	}
	return prog
}

func ret(e syscall.Errno) bpf.Instruction {
	return bpf.RetConstant{Val: unix.SECCOMP_RET_ERRNO | uint32(e)}
}

// compileCall compiles the rows of one call. A call that passes all tests is
// allowed; without tests it never is.
func (a *architecture) compileCall(rows []seccompRow) []bpf.Instruction {
	nr := a.number(rows[0].kernelCall)
	if nr == no {
		return nil
	}
	var body []bpf.Instruction
	for _, r := range rows {
		body = append(body, compileTests(ret(r.errno), r.tests)...)
		if len(r.tests) == 0 {
			return onCall(uint32(nr), body)
		}
	}
	return onCall(uint32(nr), append(body, bpf.RetConstant{Val: unix.SECCOMP_RET_ALLOW}))
}

// onCall runs body, which returns, for one call; otherwise the number is
// still in the accumulator.
func onCall(nr uint32, body []bpf.Instruction) []bpf.Instruction {
	return append([]bpf.Instruction{
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: nr, SkipTrue: uint8(len(body))},
	}, body...)
}

// compileTests does action when all tests hold, and goes on behind otherwise.
func compileTests(action bpf.Instruction, tests []argTest) []bpf.Instruction {
	body := []bpf.Instruction{action}
	// From the end: every test that fails jumps behind the action.
	for i := len(tests) - 1; i >= 0; i-- {
		t := tests[i]
		skip := uint8(len(body))
		off := uint32(offArgs + 8*t.arg)
		if t.high { // both architectures are little-endian
			off += 4
		}
		test := []bpf.Instruction{
			bpf.LoadAbsolute{Off: off, Size: 4},
			bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: t.mask},
			bpf.JumpIf{Cond: bpf.JumpEqual, Val: t.value, SkipFalse: skip},
		}
		switch {
		case t.any:
			test[2] = bpf.JumpIf{Cond: bpf.JumpEqual, Val: 0, SkipTrue: skip}
		case t.not:
			test[2] = bpf.JumpIf{Cond: bpf.JumpEqual, Val: t.value, SkipTrue: skip}
		}
		body = append(test, body...)
	}
	return body
}

// Protocols of IANA numbers and linux/in.h that an inet socket may have:
// default, ICMP, TCP, UDP, ICMPv6. Others (MPTCP, SCTP, DCCP, UDP-Lite, raw)
// skip hooks that Landlock and the redirect rely on.
var inetProtocols = []uint32{0, 1, 6, 17, 58}

var callSocket = kernelCall{"socket", 41, 198}

// socketRule: AF_UNIX; AF_INET and AF_INET6 with ordinary protocols;
// AF_NETLINK for routes only. It returns in every case.
func socketRule(nr uint32) []bpf.Instruction {
	domain := bpf.LoadAbsolute{Off: offArgs, Size: 4}
	protocol := bpf.LoadAbsolute{Off: offArgs + 16, Size: 4}
	allow := bpf.RetConstant{Val: unix.SECCOMP_RET_ALLOW}
	inet := []bpf.Instruction{protocol}
	for _, p := range inetProtocols {
		inet = append(inet, bpf.JumpIf{Cond: bpf.JumpEqual, Val: p, SkipFalse: 1}, allow)
	}
	inet = append(inet, ret(unix.EPROTONOSUPPORT))
	body := []bpf.Instruction{
		domain,
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: unix.AF_UNIX, SkipFalse: 1}, allow,
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: unix.AF_NETLINK, SkipFalse: 4},
		protocol,
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: unix.NETLINK_ROUTE, SkipFalse: 1}, allow,
		ret(unix.EPROTONOSUPPORT),
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: unix.AF_INET, SkipTrue: 2},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: unix.AF_INET6, SkipTrue: 1},
		ret(unix.EAFNOSUPPORT),
	}
	body = append(body, inet...)
	return onCall(nr, body)
}

func assemble(prog []bpf.Instruction) ([]unix.SockFilter, error) {
	raw, err := bpf.Assemble(prog)
	if err != nil {
		return nil, fmt.Errorf("seccomp program: %w", err)
	}
	out := make([]unix.SockFilter, len(raw))
	for i, r := range raw {
		out[i] = unix.SockFilter{Code: r.Op, Jt: r.Jt, Jf: r.Jf, K: r.K}
	}
	return out, nil
}

// seccomp makes the child install the filter. It must come after everything
// that the filter forbids.
func (p *childProgram) seccomp(filter []unix.SockFilter) {
	fprog := &unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	p.keep = append(p.keep, filter)
	p.add("seccomp", unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, 0, uintptr(unsafe.Pointer(fprog)))
	p.keep = append(p.keep, fprog)
}
