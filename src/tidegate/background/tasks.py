"""The code of each job, and when one that failed is tried again.

May decide: how long to wait after a failure.
"""

from httpx2 import AsyncClient
from procrastinate import App, PsycopgConnector, RetryDecision
from procrastinate.jobs import Job
from procrastinate.retry import BaseRetryStrategy

from tidegate.background.check_video import AtItError, check_video
from tidegate.background.knowing import know_video, make_looks_known, make_text_known
from tidegate.background.look_back import look_again, look_back
from tidegate.background.telling import NotDeliveredError, ask_for_bytes, deliver, tell_judged
from tidegate.enforcement import rules as enforcement_rules
from tidegate.kernel.errors import Unavailable
from tidegate.kernel.ids import AskId, ContentId, DecisionId, InstructionId, SignalId
from tidegate.node import Node

#: A job that fails in a way we did not foresee is tried this often, then left for people to see.
_MOST_SURPRISES = 20
_AT_IT_SECONDS = 5


class BackOff(BaseRetryStrategy):
    """Wait longer after each failure; three days are counted by the task itself."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        """Say when to try again."""
        if isinstance(exception, AtItError):
            # Whoever has it may be dead: what it has done so far is not lost, and is gone on with soon.
            return RetryDecision(retry_in={"seconds": _AT_IT_SECONDS})
        if not isinstance(exception, (NotDeliveredError, Unavailable, OSError)):
            return None if job.attempts >= _MOST_SURPRISES else RetryDecision(retry_in={"seconds": 30})
        return RetryDecision(retry_in={"seconds": enforcement_rules.wait_before(job.attempts)})


def make_app(node: Node, client: AsyncClient) -> App:
    """Give the job library the code of each task."""
    app = App(connector=PsycopgConnector())

    @app.task(name="deliver", retry=BackOff())
    async def deliver_task(instruction: str) -> None:
        await deliver(node, client, InstructionId.parse(instruction))

    @app.task(name="ask_for_bytes", retry=BackOff())
    async def ask_task(content: str, ask: str) -> None:
        await ask_for_bytes(node, client, ContentId.parse(content), AskId.parse(ask))

    @app.task(name="look_back", retry=BackOff())
    async def look_back_task(signal: str) -> None:
        await look_back(node, SignalId.parse(signal))

    @app.task(name="look_again", retry=BackOff())
    async def look_again_task(signal: str, decision: str | None) -> None:
        await look_again(node, SignalId.parse(signal), DecisionId.parse(decision) if decision else None)

    @app.task(name="make_looks_known", retry=BackOff())
    async def make_looks_known_task(decision: str, content: str) -> None:
        await make_looks_known(node, DecisionId.parse(decision), ContentId.parse(content))

    @app.task(name="make_text_known", retry=BackOff())
    async def make_text_known_task(decision: str, content: str) -> None:
        await make_text_known(node, DecisionId.parse(decision), ContentId.parse(content))

    @app.task(name="check_video", retry=BackOff())
    async def check_video_task(content: str) -> None:
        await check_video(node, ContentId.parse(content))

    @app.task(name="know_video", retry=BackOff())
    async def know_video_task(content: str, decision: str) -> None:
        await know_video(node, ContentId.parse(content), DecisionId.parse(decision))

    @app.task(name="tell_judged", retry=BackOff())
    async def tell_judged_task(content: str) -> None:
        await tell_judged(node, client, ContentId.parse(content))

    return app
