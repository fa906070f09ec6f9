"""The API's description works in a browser that runs and loads nothing but what is ours."""

from __future__ import annotations

from browser import needs_chromium, visiting
from web_server import ANN

pytestmark = needs_chromium


def test_the_description_is_shown_and_can_be_tried_under_the_strict_policy(server):
    with visiting(server.url) as visit:
        visit.go(f"/enter?token={ANN}")
        visit.go("/docs")
        operation = visit.page.locator("#operations-uploads-list_uploads_api_v1_uploads_get")
        operation.locator(".opblock-summary-control").click()
        operation.get_by_role("button", name="Try it out").click()
        operation.get_by_role("button", name="Execute").click()
        answer = operation.locator(".live-responses-table tbody .response-col_status")
        assert answer.first.inner_text().strip() == "200"
        assert visit.wrong == []
