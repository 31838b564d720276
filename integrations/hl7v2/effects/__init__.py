"""What messages set in motion beyond the chart: alerts, running consultations, who is here."""
