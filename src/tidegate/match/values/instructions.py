"""Instructions of the processor that Python has no words for, for the kernels of the Hamming index.

May decide: nothing. Written as LLVM's own operations, so that each processor does them in the best way it has: counting
bits is one instruction where there is one, and 32 neighbours are compared at once where its registers are that wide.
"""

from collections.abc import Callable
from typing import Any, Final, cast

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

#: What numba and LLVM hand around: they say no types.
Generated = Any

#: Numbers compared at once. An array that is compared must reach that far beyond the last place asked for.
LANES: Final = 32


def instruction(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let compiled code use what this generates; the first argument of the function, numba's own, is left out."""
    return cast("Callable[..., Any]", intrinsic(function))


@instruction
def bits_set(_typing: Generated, _word: Generated) -> Generated:
    """Count the ones of a 64-bit word with one instruction where the processor has it."""

    def generate(_context: Generated, builder: Generated, _signature: Generated, arguments: Generated) -> Generated:
        return builder.ctpop(arguments[0])

    return types.int64(types.uint64), generate


@instruction
def lowest_set(_typing: Generated, _mask: Generated) -> Generated:
    """Give the place of the lowest one of a 32-bit mask that is not zero."""

    def generate(_context: Generated, builder: Generated, _signature: Generated, arguments: Generated) -> Generated:
        place = builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))
        return builder.zext(place, ir.IntType(64))

    return types.int64(types.uint32), generate


@instruction
def near(_typing: Generated, array: Generated, _place: Generated, _query: Generated, _most: Generated) -> Generated:
    """Compare 32 neighbours of a 16-bit array with a query at once: bit i says that entry i differs in at most so many.

    The array must reach 32 entries beyond the place.
    """

    def generate(context: Generated, builder: Generated, signature: Generated, arguments: Generated) -> Generated:
        vector = ir.VectorType(ir.IntType(16), LANES)
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        place = builder.bitcast(builder.gep(data, [arguments[1]]), vector.as_pointer())

        def everywhere(number: Generated) -> Generated:
            undefined = ir.Constant(vector, ir.Undefined)
            one = builder.insert_element(undefined, number, ir.Constant(ir.IntType(32), 0))
            same = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
            return builder.shuffle_vector(one, undefined, same)

        differing = builder.xor(builder.load(place, align=2), everywhere(arguments[2]))
        count = _operation(builder.module, ir.FunctionType(vector, [vector]), f"llvm.ctpop.v{LANES}i16")
        few = builder.icmp_unsigned("<=", builder.call(count, [differing]), everywhere(arguments[3]))
        return builder.bitcast(few, ir.IntType(32))

    return types.uint32(array, types.int64, types.uint16, types.uint16), generate


@instruction
def fetch(_typing: Generated, array: Generated, _place: Generated) -> Generated:
    """Ask the memory for an element of a flat array that will be read soon; nothing waits for it."""

    def generate(context: Generated, builder: Generated, signature: Generated, arguments: Generated) -> Generated:
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        pointer, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        fetch = _operation(
            builder.module,
            ir.FunctionType(ir.VoidType(), [pointer, number, number, number]),
            "llvm.prefetch.p0i8",
        )
        place = builder.bitcast(builder.gep(data, [arguments[1]]), pointer)
        builder.call(fetch, [place, number(0), number(3), number(1)])
        return context.get_dummy_value()

    return types.void(array, types.int64), generate


def _operation(module: Generated, kind: Generated, name: str) -> Generated:
    """Name one of LLVM's operations in a module."""
    return cgutils.get_or_insert_function(module, kind, name)  # type: ignore[no-untyped-call]
