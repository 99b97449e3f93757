"""Pictures of papers in the route table."""

from tillkeeper.api.ports import PreviewQuery, Till
from tillkeeper.api.routes import Answer, Call, Operation, read
from tillkeeper.contract.pages import PreviewOptions


async def _options(till: Till, _call: Call) -> Answer:
    return Answer(await till.preview_options())


async def _preview(till: Till, call: Call) -> Answer:
    return Answer(await till.preview(call.params["document"], call.query))


OPERATIONS: tuple[Operation, ...] = (
    read("/v1/preview", "get_preview_options", "What can be previewed", PreviewOptions, _options, tag="devices"),
    Operation(
        method="GET",
        path="/v1/preview/{document}",
        id="preview_document",
        summary="How a document comes out of a printer",
        answer=bytes,
        run=_preview,
        query=PreviewQuery,
        tag="devices",
        media="image/png",
    ),
)
