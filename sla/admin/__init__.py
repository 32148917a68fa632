"""The admin of the promises floor."""

# In the order of the sidebar.
from sla.admin import calendars, people, absences, rules, policies, drafts, checklists, shadow, relay, endpoints  # noqa: F401, I001
