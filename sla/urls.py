"""Which address opens which door of the promises floor."""

from django.urls import path

from sla.views import agreed, away, board, company, deciding, inbox, lead_promise, status, story, team, verdicts

urlpatterns = [
    path("", inbox.home, name="home"),
    path("inbox/", inbox.inbox, name="inbox"),
    path("inbox/arrivals/", inbox.arrivals, name="inbox-arrivals"),
    path("timers/", inbox.fresh_timers, name="timers"),
    path("board/", board.board, name="board"),
    path("board/waiting/<uuid:public_id>/give/", board.give, name="episode-give"),
    path("board/standing/<uuid:public_id>/release/", board.release, name="standing-release"),
    path("board/standing/<uuid:public_id>/dismiss/", board.dismiss, name="standing-dismiss"),
    path("away/", away.away, name="away"),
    path("away/<uuid:public_id>/", away.away, name="away-of"),
    path("away/<uuid:public_id>/<uuid:absence>/", away.change, name="away-change"),
    path("away/<uuid:public_id>/<uuid:absence>/end/", away.end, name="away-end"),
    path("away/<uuid:public_id>/<uuid:absence>/cancel/", away.cancel, name="away-cancel"),
    path("status/", status.status, name="status"),
    path("board/left/<uuid:public_id>/give/", deciding.give, name="left-give"),
    path("board/left/<uuid:public_id>/keep/", deciding.keep, name="left-keep"),
    path("board/left/<uuid:public_id>/route/", deciding.route, name="left-route"),
    path("team/", team.team, name="team"),
    path("team/<uuid:public_id>/leaving/", team.leaving_page, name="rep-leaving"),
    path("team/<uuid:public_id>/back/", team.back, name="rep-back"),
    path("leads/<uuid:public_id>/promise/", lead_promise.lead_promise, name="lead-promise"),
    path("leads/<uuid:public_id>/promise/<slug:target>/pause/", agreed.pause, name="promise-pause"),
    path("leads/<uuid:public_id>/promise/<slug:target>/resume/", agreed.resume, name="promise-resume"),
    path("leads/<uuid:public_id>/promise/<slug:target>/extend/", agreed.extend, name="promise-extend"),
    path("leads/<uuid:public_id>/story/", story.lead_story, name="lead-story"),
    path("leads/<uuid:public_id>/touch/", verdicts.touch, name="lead-touch"),
    path("handoffs/<uuid:public_id>/accept/", verdicts.accept, name="handoff-accept"),
    path("handoffs/<uuid:public_id>/reject/", verdicts.reject, name="handoff-reject"),
    path("handoffs/<uuid:public_id>/convert/", verdicts.convert, name="handoff-convert"),
    path("handoffs/<uuid:public_id>/return/", verdicts.return_, name="handoff-return"),
    path("handoffs/<uuid:public_id>/split/", company.split, name="handoff-split"),
    path("handoffs/<uuid:public_id>/undo/", verdicts.undo, name="handoff-undo"),
    path("handoffs/<uuid:public_id>/reopen/", verdicts.reopen, name="handoff-reopen"),
]
