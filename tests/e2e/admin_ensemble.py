"""Ensembles each of whose zabd members has an HTTP endpoint of its own: ensemble.admin(2).get("/api/v1/ensemble")."""

import harness
from admin import WithAdmin, admin_config
from ensemble import Ensemble


class AdminEnsemble(Ensemble):
    def _configure(self):
        self._admin_ports = {}
        super()._configure()

    def _member(self, directory, number, port, common):
        if self.kind_of(number) != "zabd":
            return super()._member(directory, number, port, common)
        port_of_admin = self._admin_ports.setdefault(number, harness.free_port())
        return super()._member(directory, number, port, {**common, **admin_config(port_of_admin)})

    def admin(self, number):
        return WithAdmin(self[number], self._admin_ports[number])

    def overview(self, number):
        """What the member says of the ensemble."""
        status, body = self.admin(number).get("/api/v1/ensemble")
        assert status == 200, body
        return body

    def await_overview(self, number, holds, seconds=20):
        return self.admin(number).await_answer("/api/v1/ensemble", holds, seconds=seconds)
